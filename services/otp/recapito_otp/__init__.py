"""One-time codes: issue, check, deliver."""
