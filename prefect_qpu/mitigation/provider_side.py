"""Methods that the provider carries out: options of IBM Quantum's sampler, named as such.

A job has one set of options, so that each such method has a job of its own. The sampler has dynamical decoupling and
twirling; resilience (TREX, ZNE, PEC, PEA) belongs to the estimator, which returns no counts.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.acquisition import AcquisitionOptions, parsed
from prefect_qpu.mitigation.direct import Direct
from prefect_qpu.mitigation.types import MethodPlan, PlanContext

PROVIDER = "ibm"
ESTIMATOR_ONLY = frozenset({"ibm_resilience", "ibm_trex", "ibm_zne", "ibm_pec", "ibm_pea"})
"""Names of what only the estimator has."""


class ProviderOptions(AcquisitionOptions):
    """Options that become options of the sampler."""

    def sampler(self) -> dict[str, Any]:
        """The sampler's options, as JSON data."""
        raise NotImplementedError


class IbmDecouplingOptions(ProviderOptions):
    """Options of `ibm_dd`."""

    sequence: Literal["XX", "XpXm", "XY4"] = "XX"
    """Pulses in the gaps."""
    scheduling: Literal["alap", "asap"] = "alap"
    """Whether gates come as late or as early as they can."""
    skip_reset_qubits: bool = True
    """Whether a qubit that has not been used yet stays untouched."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.decouple is not None:
            raise ValueError("decoupling by the provider or by `decouple`, not both")
        return self

    def sampler(self) -> dict[str, Any]:
        """The sampler's options."""
        return {
            "dynamical_decoupling": {
                "enable": True,
                "sequence_type": self.sequence,
                "scheduling_method": self.scheduling,
                "skip_reset_qubits": self.skip_reset_qubits,
            }
        }


class IbmTwirlingOptions(ProviderOptions):
    """Options of `ibm_twirling`."""

    gates: bool = True
    """Whether two-qubit gates are twirled."""
    measure: bool = False
    """Whether measurements are; the service turns the outcomes back."""
    randomizations: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = "auto"
    """Random circuits over which the shots are split."""
    strategy: Literal["active", "active-circuit", "active-accum", "all"] = "active-accum"
    """Which idle qubits are twirled too."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.gates or self.measure):
            raise ValueError("gates or measurements to twirl")
        if self.twirl:
            raise ValueError("twirling by the provider or by `twirl`, not both")
        return self

    def sampler(self) -> dict[str, Any]:
        """The sampler's options."""
        return {
            "twirling": {
                "enable_gates": self.gates,
                "enable_measure": self.measure,
                "num_randomizations": self.randomizations,
                "strategy": self.strategy,
            }
        }


class ProviderSide(Direct):
    """The measured circuits under options of IBM Quantum's sampler.

    Args:
        options: The model of the options.
    """

    def __init__(self, options: type[ProviderOptions]) -> None:
        super().__init__(options)
        self._provider_options = options

    def plan(self, context: PlanContext, options: Mapping[str, Any]) -> MethodPlan:
        """The measured circuits, for a job with these options.

        Raises:
            MitigationRefusedError: the provider has no such options.
        """
        if context.provider != PROVIDER:
            here = context.provider or "this one"
            raise MitigationRefusedError(f"it is an option of IBM Quantum's sampler, which the provider {here} has not")
        return super().plan(context, options)

    def provider_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the job."""
        return parsed(self._provider_options, options, "options").sampler()
