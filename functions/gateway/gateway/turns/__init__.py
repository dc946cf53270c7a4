"""Recognises retries and later turns of a conversation."""
