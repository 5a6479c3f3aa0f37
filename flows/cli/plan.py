"""Command `plan`: what an experiment needs and takes, before anything runs.

What takes long to import is imported in the command, so that help and version come at once.
"""

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from prefect_qpu.flows.cli import output
from prefect_qpu.flows.cli.options import BackendName, ExperimentFile, Json, Settings

if TYPE_CHECKING:
    from prefect_qpu.planning import ExperimentPlan, MethodForecast, Usage


def plan(
    file: ExperimentFile,
    /,
    *,
    settings: Settings = [],  # noqa: B006 - read only
    backend: BackendName = None,
    price: Annotated[float | None, Parameter(help="Of one QPU second; else the experiment's prices.")] = None,
    json: Json = False,
) -> None:
    """Tell the shots that tolerance and power need, and what every method takes; nothing runs, nothing is stored.

    Works without a network for Aer and fake devices. Standard errors count chance alone.
    """
    from prefect_qpu.flows.cli.starting import resolved
    from prefect_qpu.loading import read_experiment
    from prefect_qpu.planning import plan_experiment

    with redirect_stdout(sys.stderr):
        experiment, provider = resolved(read_experiment(file, settings, backend=backend))
        found = plan_experiment(experiment, provider, price=price)
    if json:
        output.print_json(found.document())
    else:
        _print(found)


def _print(found: "ExperimentPlan") -> None:
    demand = found.demand
    output.print_facts(
        f"{found.experiment} on {found.backend}{', a simulator' if found.simulator else ''}",
        {
            "tolerance": f"{found.tolerance:g}, confidence {demand.confidence:g}, power {demand.power:g}",
            "success": f"{found.success:.3g} of the shots without an error, by the reported rates",
            "ideal check": f"{_whole(found.smoke_test_shots)} shots of each circuit, simulated",
            "job": _told(found.job),
            "cost": _cost(found),
        },
    )
    output.answer("")
    headings = (
        "method",
        "circuits",
        "shots",
        "variance",
        "observable",
        "stderr",
        "shots needed",
        "QPU s",
        "cost",
        "bytes",
    )
    output.print_table(headings, [row for method in found.methods for row in _rows(method)], right=headings[1:4])
    for method in found.methods:
        if method.refused:
            output.note(f"{method.label} refuses: {method.refused}")
        elif method.shots_setting is not None:
            output.answer(f"  {method.label}: shots={method.shots_setting} would meet the tolerance with this power")
    for name, item in found.expected.items():
        if item.shift is not None and abs(item.shift) >= found.tolerance:
            output.answer(
                f"  noise is predicted to move the raw value of {name} by {item.shift:+.2g}, whatever the shots"
            )
    for finding in found.findings:
        output.note(f"too large: {finding}")


def _rows(method: "MethodForecast") -> list[list[str]]:
    if method.usage is None or method.variance_multiplier is None:
        return [[method.label, "refused", *[""] * 8]]
    usage = method.usage
    before = [method.label, str(usage.circuits), str(usage.shots), f"{method.variance_multiplier:.3g}"]
    after = [_seconds(usage.qpu_seconds), _money(usage.cost), str(usage.payload_bytes)]
    rows = []
    for item in method.precisions:
        own = [item.observable, f"{item.stderr:.2g}", _whole(item.shots_needed)]
        rows.append([*before, *own, *after])
        before, after = [""] * 4, [""] * 3
    return rows


def _told(job: "Usage") -> str:
    return (
        f"{job.circuits} circuits, {job.shots} shots, {job.payload_bytes} bytes, "
        f"QPU seconds {_seconds(job.qpu_seconds)}"
    )


def _cost(found: "ExperimentPlan") -> str:
    if found.price is None:
        return "unknown: neither --price nor the experiment's prices tell it"
    return f"{_money(found.job.cost)} {found.currency}".strip()


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"


def _money(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _whole(value: Any) -> str:
    return "none would do" if value is None else str(value)
