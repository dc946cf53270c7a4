"""Rows by which calls are found, and lists of the slowest and the dearest."""
