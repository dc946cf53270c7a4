"""Prices finished traces and maintains the totals."""
