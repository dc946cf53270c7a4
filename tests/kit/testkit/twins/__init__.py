"""Scripted twins of the providers: each answers in its documented dialect and refuses what the provider refuses."""
