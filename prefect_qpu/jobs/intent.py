"""The intent to execute PUBs: stored before anything is sent, and read back when it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.circuits import pub_bytes
from prefect_qpu.errors import InvalidResultError
from prefect_qpu.hashing import content_hash
from prefect_qpu.mitigation import make_pub
from prefect_qpu.providers import JobResult, Provider
from prefect_qpu.records import RecordStore, SubmissionRow
from prefect_qpu.run import Run


def intend(
    run: Run,
    role: str,
    pubs: Sequence[SamplerPub],
    *,
    seed: int,
    provider: Provider | None = None,
    options: Mapping[str, Any] | None = None,
) -> SubmissionRow:
    """The stored intent to execute PUBs in a role of a run; the one that is stored already, if there is one.

    Runs share a submission only at providers whose jobs outlive the process that made them.
    """
    provider = provider or run.provider
    calibration = provider.calibration()
    documents = [_pub_document(run.store, pub) for pub in pubs]
    settings = {"backend": provider.describe(), "options": dict(options or {}), "seed": seed, "pubs": documents}
    return run.store.submissions.intend(
        run.id,
        role,
        content_hash=content_hash(settings if provider.durable else settings | {"run": run.id, "role": role}),
        replicate=run.experiment.replicate if provider.durable else None,
        provider=provider.kind,
        backend=provider.name,
        pubs=documents,
        options=dict(options or {}),
        seed=seed,
        payload_bytes=sum(map(pub_bytes, pubs)),
        calibration_hash=run.store.calibrations.add(calibration) if calibration else None,
        now=run.clock(),
    )


def stored_pubs(store: RecordStore, row: SubmissionRow) -> list[SamplerPub]:
    """The PUBs as the record has them, so that what is executed is what is recorded."""
    return [
        make_pub(
            store.circuits.get(pub["circuit"]),
            pub["shots"],
            store.submissions.parameters(pub["parameters"]) if pub["parameters"] else {},
        )
        for pub in row.pubs
    ]


def check_result(job_id: str, pubs: Sequence[SamplerPub], result: JobResult) -> None:
    """Refuse counts that do not fit the request.

    Raises:
        InvalidResultError: a PUB has no counts, or counts of another shape, width or number of shots.
    """
    if len(result.counts) != len(pubs):
        raise InvalidResultError(f"job {job_id} returned {len(result.counts)} results for {len(pubs)} PUBs")
    for index, (bits, pub) in enumerate(zip(result.counts, pubs, strict=True)):
        returned = {"shots": bits.num_shots, "bits": bits.num_bits, "shape": bits.shape}
        wanted = {"shots": pub.shots, "bits": pub.circuit.num_clbits, "shape": pub.parameter_values.shape}
        if returned != wanted:
            raise InvalidResultError(f"job {job_id} returned {returned} for PUB {index}, expected {wanted}")


def _pub_document(store: RecordStore, pub: SamplerPub) -> dict[str, Any]:
    values = {
        name: array[..., index]
        for names, array in pub.parameter_values.data.items()
        for index, name in enumerate(names)
    }
    stored = store.submissions.add_parameters(values) if values else None
    return {"circuit": store.circuits.add(pub.circuit), "shots": pub.shots, "parameters": stored}
