"""What leaves the service."""
