"""The values of a call, its trace and its cost."""
