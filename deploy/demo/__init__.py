"""The customer manual, played against a running system through its real pages, its console and its gRPC."""
