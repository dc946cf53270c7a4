"""The edge: requests in, replies and errors out."""
