"""What fallback and hedging make of providers whose first words are sometimes late: the same calls, sent three ways."""
