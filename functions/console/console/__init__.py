"""Shows recorded calls and costs: the API under /api, the web page at /console."""
