"""What is kept, logged and counted of a call."""
