"""What leaves the service: calls to otp."""
