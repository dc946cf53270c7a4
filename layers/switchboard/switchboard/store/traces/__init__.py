"""Traces and their bodies as items."""
