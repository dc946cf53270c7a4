"""Conversations: the facts of each beside the ledger's sums, and their readers."""
