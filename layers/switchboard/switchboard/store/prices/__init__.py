"""Prices: the book, a project's own, and the calls that wait for one."""
