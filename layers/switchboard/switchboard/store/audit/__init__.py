"""The audit: sums over calls, compared with the rows of totals."""
