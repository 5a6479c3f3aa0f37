"""The `PromotionPolicy` block: what the gate asks for."""

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from prefect_qpu.blocks.appearance import DOCUMENTATION, LOGO
from prefect_qpu.experiment import Approval, BeyondSimulation, Promotion


class PromotionPolicy(Block):
    """What must hold before a job is paid for; one policy for many experiments.

    Example:
        ```python
        from prefect_qpu.blocks import PromotionPolicy

        policy = PromotionPolicy.load("BLOCK_NAME").policy()
        ```
    """

    _block_type_name: ClassVar[str] = "QPU Promotion Policy"
    _block_type_slug: ClassVar[str] = "promotion-policy"
    _logo_url: ClassVar[HttpUrl] = LOGO
    _documentation_url: ClassVar[HttpUrl] = DOCUMENTATION

    tolerance: float = Field(
        default=0.05, gt=0, description="Largest difference of two expectation values that counts as agreement."
    )
    confidence: float = Field(default=0.95, gt=0, lt=1, description="One minus the level of every test.")
    looks: int = Field(
        default=1,
        ge=1,
        le=100,
        description="How often the gate is asked about the same experiment; the level is divided by it.",
    )
    power: float = Field(
        default=0.999, gt=0, lt=1, description="Chance that a correct ideal simulation passes; sets its shots."
    )
    min_signal: float = Field(
        default=0.05, ge=0, le=1, description="Least part of the ideal signal that device noise may leave."
    )
    beat_trivial: bool = Field(
        default=True, description="Whether the predicted value must beat the guess of a fully mixed state."
    )
    max_calibration_age: float | None = Field(
        default=None,
        ge=0,
        description="Largest age of the calibration in seconds; empty: a day on hardware, no limit on a simulator.",
    )
    require_hypothesis: bool = Field(
        default=False, description="Whether an experiment without a stated hypothesis is rejected."
    )
    approval: Approval = Field(
        default="on_doubt",
        description="When a person decides: always, if a criterion is inconclusive, or never (doubt then rejects).",
    )
    beyond_simulation: BeyondSimulation = Field(
        default="hold",
        description="Criteria whose simulation is too large: in doubt (hold), or waived and labelled so (waive).",
    )
    max_depth: int | None = Field(default=None, ge=1, description="Largest depth of a transpiled circuit.")
    max_two_qubit_gates: int | None = Field(
        default=None, ge=0, description="Largest number of two-qubit gates of a transpiled circuit."
    )

    max_qubits: int | None = Field(default=None, ge=1, description="Largest number of qubits of the encoded circuit.")
    max_parameters: int | None = Field(
        default=None, ge=0, description="Largest number of free parameters of the encoded circuit."
    )
    max_payload_bytes: int | None = Field(
        default=None, ge=1, description="Largest size of all transpiled circuits together, as QPY."
    )

    def policy(self) -> Promotion:
        """The policy as it stands in an experiment."""
        return Promotion(**{name: getattr(self, name) for name in Promotion.model_fields})
