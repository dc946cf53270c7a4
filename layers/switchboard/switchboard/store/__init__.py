"""Keeps keys, policies, traces, turns and totals in one DynamoDB table."""
