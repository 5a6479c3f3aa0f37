"""What providers and classical computers charge, and what a run cost."""

from typing import Annotated

from pydantic import Field

from prefect_qpu.definition import Definition

Money = Annotated[float, Field(ge=0)]

DEFAULT = "default"


class Price(Definition):
    """What one provider or backend charges."""

    per_job: Money = 0.0
    per_shot: Money = 0.0
    per_qpu_second: Money = 0.0

    def of(self, *, jobs: int, shots: int, qpu_seconds: float) -> float:
        """The money for this use.

        Example:
            >>> Price(per_job=0.3, per_shot=0.01).of(jobs=2, shots=1000, qpu_seconds=3.0)
            10.6
        """
        return self.per_job * jobs + self.per_shot * shots + self.per_qpu_second * qpu_seconds


class PriceTable(Definition):
    """Prices by backend or provider, all in one currency.

    Example:
        >>> table = PriceTable(providers={"ibm": Price(per_qpu_second=1.6), "default": Price(per_shot=0.001)})
        >>> table.price_of("ibm_torino", "ibm").per_qpu_second, table.price_of("forte", "qiskit").per_shot
        (1.6, 0.001)
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    """ISO 4217 code."""
    providers: dict[str, Price] = Field(default_factory=dict)
    """By name of the backend, else by kind of the provider, else ``default``."""
    classical_hour: Money = 0.0
    """Of the computer on which the classical opponent runs."""

    def price_of(self, backend: str, kind: str) -> Price | None:
        """The price of a backend, or none if the table has none."""
        return next((self.providers[name] for name in (backend, kind, DEFAULT) if name in self.providers), None)

    def classical(self, seconds: float) -> float:
        """The money for so much wall time of a classical computer."""
        return self.classical_hour * seconds / 3600
