"""A function that raises while it is imported."""

raise LookupError("a setting is missing")
