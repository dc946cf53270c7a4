"""Reads a provider's event stream."""
