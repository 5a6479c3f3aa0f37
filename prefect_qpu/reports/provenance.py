"""Tables of where the numbers come from: circuits, calibration, submissions, time by stage."""

from typing import TYPE_CHECKING

from prefect_qpu.reports.tables import Cell, Table, facts, judged, table
from prefect_qpu.reports.units import count, data_size, seconds, timestamp
from prefect_qpu.summary import CircuitSize, CircuitSummary, RunSummary, SubmissionSummary

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_SHORT = 12
_MOST_QUBITS = 24
_SHOWN_ABOVE = {"name", "kind", "simulator", "hash", "taken_at"}
"""Facts of a backend that have a row of their own."""


def circuits_table(summary: RunSummary) -> Table:
    """Sizes of the measured circuits, before and after the transpiler."""
    rows = [_circuit(item) for item in summary.circuits]
    columns = ("Basis", "#Qubits", "#Depth", "#Two-qubit gates", "#Instructions", "#Payload", "Physical qubits", "Hash")
    return table("Circuits, before → after the transpiler", columns, rows)


def _circuit(item: CircuitSummary) -> list[str | Cell]:
    changes = [_change(item.before, item.after, name) for name in ("width", "depth", "two_qubit_gates", "size")]
    return [
        Cell(item.basis or "", code=True, whole=True),
        *changes,
        _bytes(item.before, item.after),
        "" if item.qubits is None else _qubits(item.qubits),
        Cell((item.after or item.before).hash[:_SHORT], code=True, whole=True),
    ]


def metrics_table(circuit: "QuantumCircuit | None", transpiled: "QuantumCircuit | None") -> Table | None:
    """Sizes of the circuits given, where the run holds none; none without circuits."""
    from prefect_qpu.circuits import circuit_metrics

    named = [("as given", circuit), ("transpiled", transpiled)]
    sizes = [(name, circuit_metrics(item)) for name, item in named if item is not None]
    rows = [
        (name, *map(count, (size.width, size.depth, size.two_qubit_gates, size.size)), data_size(size.payload_bytes))
        for name, size in sizes
    ]
    columns = ("Circuit", "#Qubits", "#Depth", "#Two-qubit gates", "#Instructions", "#Payload")
    return table("Size of the circuit", columns, rows) if rows else None


def calibration_facts(summary: RunSummary) -> list[tuple[str, str]]:
    """The device's calibration: medians over the device in people's units."""
    backend = summary.backend
    rows = [("Backend", backend.name), ("Kind", f"{backend.kind}, a simulator" if backend.simulator else backend.kind)]
    if backend.calibration_time is not None:
        rows.append(("Calibrated", timestamp(backend.calibration_time)))
    rows += facts({key: value for key, value in (backend.calibration or {}).items() if key not in _SHOWN_ABOVE})
    if backend.calibration_hash:
        rows.append(("Calibration hash", backend.calibration_hash[:_SHORT]))
    settings = {key: value for key, value in backend.settings.items() if key not in _SHOWN_ABOVE}
    return rows + [(f"Setting: {name[:1].lower()}{name[1:]}", value) for name, value in facts(settings)]


def submissions_table(summary: RunSummary) -> Table:
    """Every request to a provider."""
    rows = [
        (
            item.role,
            f"{item.backend} ({item.provider})",
            Cell(item.job_id or "none", code=bool(item.job_id), whole=True),
            judged(item.state),
            f"{item.attempts}",
            f"{item.replicate}",
            "" if item.seed is None else str(item.seed),
            _shots(item),
            data_size(item.payload_bytes),
            "" if item.qpu_seconds is None else seconds(item.qpu_seconds),
            Cell(item.request_hash[:_SHORT], code=True, whole=True),
        )
        for item in summary.submissions
    ]
    columns = (
        "Role",
        "Backend",
        "Job",
        "State",
        "#Attempts",
        "#Replicate",
        "#Seed",
        "#Shots",
        "#Payload",
        "#QPU time",
        "Request",
    )
    return table("Submissions", columns, rows)


def stages_table(summary: RunSummary) -> Table:
    """Seconds of every stage."""
    totals = dict(summary.seconds_by_stage)
    for span in [] if totals else summary.spans:
        totals[span.stage] = totals.get(span.stage, 0.0) + span.seconds
    rows = [(stage.replace("_", " "), seconds(value)) for stage, value in totals.items()]
    return table("Time by stage", ("Stage", "#Time"), rows)


def _change(before: CircuitSize, after: CircuitSize | None, name: str) -> str:
    first = count(getattr(before, name))
    return first if after is None else f"{first} → {count(getattr(after, name))}"


def _bytes(before: CircuitSize, after: CircuitSize | None) -> str:
    first = data_size(before.payload_bytes)
    return first if after is None else f"{first} → {data_size(after.payload_bytes)}"


def _qubits(qubits: list[int]) -> str:
    shown = ", ".join(str(qubit) for qubit in qubits[:_MOST_QUBITS])
    return shown if len(qubits) <= _MOST_QUBITS else f"{shown}, … ({len(qubits)})"


def _shots(item: SubmissionSummary) -> str:
    if not item.shots:
        return ""
    if len(item.shots) > 1 and len(set(item.shots)) == 1:
        return f"{len(item.shots)} \u00d7 {count(item.shots[0])}"
    return " + ".join(count(shots) for shots in item.shots[:6]) + (" + …" if len(item.shots) > 6 else "")
