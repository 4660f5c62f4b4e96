"""The pages, one journey a file."""
