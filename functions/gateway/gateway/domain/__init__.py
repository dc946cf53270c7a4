"""The gateway's values, errors and protocols."""
