"""The providers: where each is, how its key travels, what it accepts, how its usage reads. Pure."""
