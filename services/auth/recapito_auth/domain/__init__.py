"""Pure rules and types: no grpc, no SQL, no clock."""
