"""What fallback and hedging do about providers that are sometimes late: the same calls, sent in three modes."""
