"""A budget: extras are let through as a share of the calls, so that they cannot multiply a provider's trouble."""


class Budget:
    """Every call earns a share of an extra; an extra costs one.

    `percent`: extras for every hundred calls. `most`: how many can be saved up, so that a quiet hour does not pay for a
    storm. `first`: how many a new process may spend at once.
    """

    def __init__(self, *, percent: float, most: float, first: float) -> None:
        self._share = percent / 100
        self._most = most
        self._balance = first if percent > 0 else 0.0

    def earn(self) -> None:
        """A call has come."""
        self._balance = min(self._most, self._balance + self._share)

    def spend(self) -> bool:
        """Take one extra; says whether there was one."""
        # Twenty times 0.05 is not quite 1.
        if self._balance < 1 - 1e-9:
            return False
        self._balance -= 1
        return True

    def give_back(self) -> None:
        """The extra that was taken came to nothing."""
        self._balance = min(self._most, self._balance + 1)
