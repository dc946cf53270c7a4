"""Scripted twins of the providers: each speaks its documented dialect and refuses what the real one refuses."""
