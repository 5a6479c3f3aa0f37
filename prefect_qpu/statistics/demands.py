"""How sure a test has to be, and how the level is shared out."""

from dataclasses import dataclass

from prefect_qpu.statistics.quantiles import checked_confidence, shared_confidence


@dataclass(frozen=True)
class Demand:
    """How sure a test has to be.

    Where all of several tests must pass, none of them needs a smaller level to pass: something wrong fails at least one
    of them, and that one passes wrongly with its own level (intersection-union test). Where one that fails decides, the
    levels of failing add up, and are divided by their number.

    Source: R. L. Berger, Technometrics 24, 295 (1982).

    Example:
        >>> demand = Demand(0.95, tests=5, looks=2)
        >>> round(demand.passing, 3), round(demand.failing, 3)
        (0.975, 0.995)
    """

    confidence: float = 0.95
    """One minus the level of each one-sided test, all looks together."""
    power: float = 0.9
    """Chance that something right passes, for which shots are planned."""
    looks: int = 1
    """How often the same question is asked of new or of growing data."""
    tests: int = 1
    """Tests of which one that fails decides."""

    def __post_init__(self) -> None:
        checked_confidence(self.confidence)
        checked_confidence(self.power, "power")

    @property
    def passing(self) -> float:
        """Confidence at which one look passes."""
        return shared_confidence(self.confidence, self.looks)

    @property
    def failing(self) -> float:
        """Confidence at which one look fails."""
        return shared_confidence(self.confidence, self.looks * self.tests)

    @property
    def power_of_each(self) -> float:
        """Power of one test with which all of them together have the wanted one."""
        return shared_confidence(self.power, self.tests)
