"""Claims in SQL."""
