"""Answers calls: one request in, a streamed answer out, one trace left behind."""
