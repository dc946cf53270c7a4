"""The outside: the one place with an HTTP client."""
