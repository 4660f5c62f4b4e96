"""Requests to change a verified mobile: documents, review, decisions, notices."""
