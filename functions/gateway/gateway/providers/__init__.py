"""The providers: the URL, key header, accepted fields and usage counters of each. No I/O."""
