"""The raw method: the measured circuits as they are, the estimates straight from the counts."""

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import ExperimentError
from prefect_qpu.mitigation.types import Measurement, MethodPlan, PlanContext, PlannedCircuit
from prefect_qpu.observables import Estimate, estimate_from_counts


class Raw:
    """No mitigation."""

    def check(self, options: Mapping[str, Any], field: str) -> None:
        """Refuse every option: there are none."""
        if options:
            raise ExperimentError(field, given=dict(options), expected="no options for the method raw")

    def plan(self, context: PlanContext, options: Mapping[str, Any]) -> MethodPlan:  # noqa: ARG002 - has no options
        """One circuit for each group."""
        return MethodPlan(
            tuple(
                PlannedCircuit(circuit, context.shots, f"measure {group.basis}")
                for circuit, group in zip(context.circuits, context.measurement.groups, strict=True)
            )
        )

    def combine(
        self,
        manifest: Mapping[str, Any],  # noqa: ARG002 - the counts say all
        counts: Sequence[BitArray],
        measurement: Measurement,
    ) -> dict[str, Estimate]:
        """Means of weighted parities."""
        return estimate_from_counts(measurement.observables, measurement.groups, counts)
