"""`IBMBackendSpec`: which QPU of IBM Quantum, or the rule that chooses one, and how jobs run on it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from prefect_qpu.definition import Definition, as_tuple

Rule = Literal["least_busy", "best"]
Mode = Literal["job", "batch", "session"]


class IBMBackendSpec(Definition):
    """A QPU, and how jobs run on it."""

    kind: Literal["ibm"] = "ibm"
    backend: str | None = None
    """Name of the backend, for example ``ibm_torino``; none lets the rule choose."""
    rule: Rule = "least_busy"
    """Which one is chosen: ``least_busy``, or ``best`` by queue, calibration age and predicted success; see
    `prefect_qpu.selection`."""
    candidates: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()
    """Names that are chosen among; none means every operational backend that is wide enough."""
    min_qubits: int | None = Field(default=None, ge=1)
    """Least number of qubits of a chosen backend."""
    fractional_gates: bool = False
    """Whether circuits are compiled to fractional gates; the backend must have them."""
    mode: Mode = "job"
    """Whether a job stands alone, or belongs to a ``batch`` or a ``session``: one for each job, unless several jobs are
    submitted within `IBMQuantumProvider.together`."""
    max_time: int | None = Field(default=None, ge=1)
    """Seconds after which a batch or a session ends; none leaves it to the service."""
    accept_paused: bool = False
    """Whether a job may be sent to a backend that runs none now; else it is refused."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of ``SamplerV2``, for example ``{"dynamical_decoupling": {"enable": True}}``."""

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if self.backend is not None and self.candidates:
            raise ValueError("either a backend or candidates, not both")
        return self

    def at(self, name: str) -> "IBMBackendSpec":
        """The same settings at the backend of this name.

        Example:
            >>> IBMBackendSpec(rule="best", candidates=("ibm_fez", "ibm_torino")).at("ibm_fez").backend
            'ibm_fez'
        """
        return self.model_copy(update={"backend": name, "rule": "least_busy", "candidates": ()})


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Both documents, the second one ahead where they differ.

    Example:
        >>> merged({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}, "b": 4})
        {'a': {'x': 3, 'y': 2}, 'b': 4}
    """
    both = {
        key: merged(first[key], second[key])
        for key in first.keys() & second.keys()
        if isinstance(first[key], Mapping) and isinstance(second[key], Mapping)
    }
    return {**first, **second, **both}
