"""Reads what the gateway left behind: the API under /api, the page at /console."""
