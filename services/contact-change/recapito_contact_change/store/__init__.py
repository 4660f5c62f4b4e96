"""The service's tables, and what flows do with them. Every function works in its caller's transaction."""
