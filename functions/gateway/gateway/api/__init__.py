"""HTTP: reads requests, sends replies and errors."""
