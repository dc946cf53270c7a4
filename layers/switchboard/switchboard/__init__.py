"""Code shared by every function of Switchboard: the domain of a call, and the store."""
