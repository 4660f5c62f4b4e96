"""Protobuf to flows and back, nothing more."""
