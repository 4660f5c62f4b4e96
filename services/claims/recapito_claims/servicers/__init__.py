"""Protobuf to domain and back, nothing more."""
