"""The service's use cases, one with logic a file."""
