"""Methods that measure the circuits as they are: `readout`, `twirling` and `decoupling`, alone or together."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from qiskit.primitives.containers import BitArray

from prefect_qpu.mitigation.acquisition import AcquisitionOptions, Readout, Setting, acquire, parsed, read
from prefect_qpu.mitigation.decoupling import Pulses
from prefect_qpu.mitigation.shots import allocated, variance_multiplier
from prefect_qpu.mitigation.types import Measurement, MethodPlan, PlanContext
from prefect_qpu.observables import Estimate


class ReadoutOptions(AcquisitionOptions):
    """Options of `readout`."""

    readout: Readout = "factorised"


class TwirlingOptions(AcquisitionOptions):
    """Options of `twirling`."""

    twirl: Annotated[int, Field(ge=1, le=1000)] = 8


class DecouplingOptions(AcquisitionOptions):
    """Options of `decoupling`."""

    decouple: Pulses = "xx"


class Direct:
    """The measured circuits, with readout correction, twirling or decoupling.

    Args:
        options: The model of the options; its defaults make the method.
    """

    def __init__(self, options: type[AcquisitionOptions]) -> None:
        self._options = options

    def check(self, options: Mapping[str, Any], field: str) -> None:
        """Refuse options that the method does not have."""
        parsed(self._options, options, field)

    def plan(self, context: PlanContext, options: Mapping[str, Any]) -> MethodPlan:
        """One setting: the measured circuits."""
        chosen = parsed(self._options, options, "options")
        split = allocated(context, [1.0], chosen)
        setting = Setting(context.circuits, split.settings[0], "measure")
        acquired = acquire([setting], context, chosen, split.calibration)
        spent = sum(planned.shots for planned in acquired.circuits)
        variance = variance_multiplier(context, [1.0], split, spent, chosen)
        return MethodPlan(acquired.circuits, acquired.manifest, variance)

    def combine(
        self, manifest: Mapping[str, Any], counts: Sequence[BitArray], measurement: Measurement
    ) -> dict[str, Estimate]:
        """Corrected means of weighted parities."""
        (setting,) = read(manifest, counts, measurement)
        shots = sum(bits.num_shots for bits in counts)
        return {name: Estimate(item.value, item.stderr, shots) for name, item in setting.items()}
