"""The HTTP client to providers, stored provider keys, and a cache for lookups."""
