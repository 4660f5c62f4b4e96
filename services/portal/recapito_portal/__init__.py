"""The customers' web area."""
