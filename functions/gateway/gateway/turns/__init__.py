"""Retries and later turns of a conversation."""
