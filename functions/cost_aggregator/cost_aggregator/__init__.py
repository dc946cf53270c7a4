"""Prices traces once and keeps the totals."""
