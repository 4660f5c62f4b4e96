"""The pages, a journey a module."""
