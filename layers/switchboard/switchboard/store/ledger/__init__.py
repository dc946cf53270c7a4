"""The ledger: settles calls, and adds them to rows of totals, which it also reads."""
