"""The gateway's own values and errors."""
