"""A history of many requests while everything around them breaks, checked from one end to the other."""
