"""What the gateway adds to a call, measured beside a bare FastAPI + httpx pass-through in the same run."""
