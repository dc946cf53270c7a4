"""Repairs of histories: messages, tool calls, parts, names and ids, for every provider and dialect.

A row states in its `Refusals` what the provider refuses; `fit_history` runs the repairs that follow from it.
"""
