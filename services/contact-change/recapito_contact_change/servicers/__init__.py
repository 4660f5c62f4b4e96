"""gRPC to flows and back, nothing more."""
