"""What every function of Switchboard shares: the domain of a call and the store that keeps it."""
