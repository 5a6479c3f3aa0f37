"""`IBMQuantumProvider`: QPUs of IBM Quantum, through IBM's own client."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, Literal, TypeVar

from pydantic import Field
from qiskit.transpiler import Target

from prefect_qpu.calibration import Calibration
from prefect_qpu.definition import Definition
from prefect_qpu.errors import BackendError, InvalidResultError, ProviderError, ProviderUnavailableError
from prefect_qpu.hashing import content_hash
from prefect_qpu.latency import Clock, utc_now
from prefect_qpu.providers.ibm_account import IBMAccount, status_of
from prefect_qpu.providers.ibm_answers import Registers, job_result, job_status, registers_of, without_result
from prefect_qpu.providers.types import JobRequest, JobResult, JobState, JobStatus, Limits

ResultT = TypeVar("ResultT")
TAG = "prefect-qpu"
"""Every job carries it beside its request hash, so that many jobs can be looked at together."""
PAGE = 20
FEW = 3
"""So many jobs are asked for one by one; more are read from the list of jobs."""
READ_TIMEOUT = 60.0
"""Seconds without a byte after which the service counts as unreachable; IBM's client would wait for ever."""
CALIBRATION_LIFE = timedelta(minutes=10)
"""How long a calibration is taken for the newest one."""

_BEST = (JobState.DONE, JobState.RUNNING, JobState.QUEUED)


class IBMBackendSpec(Definition):
    """A QPU, and how jobs run on it."""

    kind: Literal["ibm"] = "ibm"
    backend: str | None = None
    """Name of the backend, for example ``ibm_torino``; none takes the least busy one."""
    min_qubits: int | None = Field(default=None, ge=1)
    """Least number of qubits of the least busy backend."""
    fractional_gates: bool = False
    """Whether circuits are compiled to fractional gates; the backend must have them."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of ``SamplerV2``, for example ``{"dynamical_decoupling": {"enable": True}}``."""


@dataclass(frozen=True)
class _Opened:
    service: Any
    backend: Any

    @property
    def client(self) -> Any:
        """The client of the backend's own instance.

        The public verbs of the service hide the states of listed jobs and need two requests for the state of one; and
        they look at whichever instance was used last.
        """
        return self.backend._api_client  # noqa: SLF001


class IBMQuantumProvider:
    """Jobs at IBM Quantum. They outlive this process and carry their request hash as a tag.

    Nothing is loaded or sent until a verb needs it. Many threads may use one provider.

    Args:
        spec: Backend and options.
        account: Who asks, and where.
        clock: Source of the time.

    Example:
        >>> from pydantic import SecretStr
        >>> account = IBMAccount(SecretStr("key"), "crn:v1:...")
        >>> IBMQuantumProvider(IBMBackendSpec(backend="ibm_torino"), account).name
        'ibm_torino'
    """

    kind = "ibm"
    simulator = False
    durable = True
    searchable = True

    def __init__(self, spec: IBMBackendSpec, account: IBMAccount, *, clock: Clock = utc_now) -> None:
        self._spec, self._account, self._clock = spec, account, clock
        self._lock = RLock()
        self._connection: _Opened | None = None
        self._chosen = spec.backend
        self._known: tuple[datetime, Calibration] | None = None
        self._registers: dict[str, Registers] = {}

    @property
    def name(self) -> str:
        """Name of the backend; the least busy one is chosen once, when it is first asked for."""
        return self._chosen or str(self._ask("choosing a backend", lambda opened: opened.backend.name))

    def pinned(self, name: str) -> "IBMQuantumProvider":
        """The same account and options at the backend of this name."""
        spec = self._spec.model_copy(update={"backend": name})
        return IBMQuantumProvider(spec, self._account, clock=self._clock)

    def describe(self) -> dict[str, Any]:
        """The effective settings as JSON data; the instance is told by a fingerprint, for it names the account."""
        return {
            "kind": self.kind,
            "name": self.name,
            "simulator": False,
            "channel": self._account.channel,
            "url": self._account.url,
            "instance": content_hash(self._account.instance)[:12],
            "fractional_gates": self._spec.fractional_gates,
            "options": self._spec.options,
        }

    def calibration(self) -> Calibration:
        """The newest calibration, read again after `CALIBRATION_LIFE`."""
        with self._lock:
            if self._known is None or self._clock() - self._known[0] > CALIBRATION_LIFE:
                self._known = self._clock(), self._ask("reading the calibration", self._calibrated)
            return self._known[1]

    def target(self) -> Target:
        """The backend's target, with its newest calibration."""
        self.calibration()
        return self._ask("reading the target", lambda opened: opened.backend.target)

    def limits(self) -> Limits:
        """What the backend allows in one job, as far as it tells."""
        backend = self._ask("reading the limits", lambda opened: opened.backend)
        configuration = backend.configuration()
        return Limits(max_pubs=backend.max_circuits, max_shots=getattr(configuration, "max_shots", None))

    def submit(self, request: JobRequest) -> str:
        """The id of the new job.

        The client sends a request again if the service fails to answer it, which may make several jobs: all but one are
        cancelled here.

        Raises:
            CircuitError: classical bits would be lost or change their order.
            ProviderUnavailableError: it is not known whether there is a job; `find` tells.
            ProviderError: there is no job, and sending the same again would not help.
        """
        registers = tuple(registers_of(pub.circuit) for pub in request.pubs)
        job_id = self._ask("submitting", lambda opened: self._send(opened, request))
        job_id = self._without_twins(job_id, request.tag)
        self._registers[job_id] = registers
        return job_id

    def status(self, job_ids: Sequence[str]) -> list[JobStatus]:
        """The state of each job, in the order asked."""
        found = self._from_list(set(job_ids)) if len(job_ids) > FEW else {}
        return [found[job_id] if job_id in found else self._status(job_id) for job_id in job_ids]

    def result(self, job_id: str) -> JobResult:
        """The counts of a finished job, with the provider's times and the seconds that it charges for.

        Raises:
            JobFailedError: the job failed.
            JobCancelledError: the job was cancelled.
            JobLostError: the provider does not know the job.
            InvalidResultError: the answer is not the result of the request.
            ProviderUnavailableError: the service does not have the result yet.
        """
        result = self._ask(
            "fetching the result", lambda opened: _unless(404, lambda: self._fetched(opened.service.job(job_id)))
        )
        if result is None:
            raise without_result(self._status(job_id))
        return result

    def cancel(self, job_id: str) -> None:
        """Ask for cancellation; a finished job is left as it is."""
        self._ask("cancelling", lambda opened: _unless(409, lambda: opened.client.job_cancel(job_id)))

    def find(self, tag: str) -> list[JobStatus]:
        """All jobs that carry the tag, newest first."""
        # Tags are compared here too: a job that is not ours must never be taken for ours.
        listed = self._ask("searching", lambda opened: list(_listed(opened.client, tag)))
        return [self._told(job) for job in listed if tag in (job.get("tags") or ())]

    def _ask(self, doing: str, work: Callable[[_Opened], ResultT]) -> ResultT:
        """What ``work`` returns; an access token that the service no longer takes is renewed once."""

        def renewing() -> ResultT:
            try:
                return work(self._opened())
            except Exception as error:
                if status_of(error) != 401:
                    raise
            self._connection = None
            return work(self._opened())

        return self._account.told(doing, renewing)

    def _opened(self) -> _Opened:
        connection = self._connection
        return connection if connection is not None else self._open()

    def _open(self) -> _Opened:
        with self._lock:
            if self._connection is None:
                service = self._account.connect()
                backend = self._backend(service)
                self._check_options()
                self._chosen = str(backend.name)
                # Polling must not hang with a server that hangs; only the private session knows its time-out.
                backend._api_client._session._timeout = (5.0, READ_TIMEOUT)  # noqa: SLF001
                self._connection = _Opened(service, backend)
            return self._connection

    def _backend(self, service: Any) -> Any:
        from qiskit.providers.exceptions import QiskitBackendNotFoundError

        fractional = self._spec.fractional_gates
        try:
            if self._chosen is not None:
                return service.backend(self._chosen, use_fractional_gates=fractional)
            return service.least_busy(min_num_qubits=self._spec.min_qubits, use_fractional_gates=fractional)
        except QiskitBackendNotFoundError:
            pass
        # The client says the same if it could not read the list of backends; reading it again tells the two apart.
        names = sorted(item["name"] for item in service._active_api_client.list_backends())  # noqa: SLF001
        if self._chosen in names:
            raise ProviderUnavailableError(f"IBM Quantum lists {self._chosen}, but does not describe it now")
        raise BackendError(
            "backend",
            given=self._chosen or f"the least busy backend with {self._spec.min_qubits or 1} qubits or more",
            expected=f"one of the instance's backends: {', '.join(names) or 'it has none'}",
        )

    def _check_options(self) -> None:
        try:
            _sampler_options(self._spec.options, ())
        except (TypeError, ValueError) as error:
            raise BackendError(
                "backend.options",
                given=self._spec.options,
                expected="options of SamplerV2",
                hint=" ".join(str(error).split())[:300],
            ) from None

    def _calibrated(self, opened: _Opened) -> Calibration:
        if self._known is not None:
            opened.backend.refresh()
        return Calibration.from_backend(opened.backend)

    def _send(self, opened: _Opened, request: JobRequest) -> str:
        from qiskit_ibm_runtime import SamplerV2

        options = _merged(self._spec.options, request.options)
        sampler = SamplerV2(mode=opened.backend, options=_sampler_options(options, (request.tag, TAG)))
        return str(sampler.run(list(request.pubs)).job_id())

    def _without_twins(self, job_id: str, tag: str) -> str:
        """The most advanced of the jobs with the tag; the others are cancelled."""
        try:
            jobs = [status for status in self.find(tag) if status.state in _BEST]
            best, *others = sorted(jobs, key=lambda job: (_BEST.index(job.state), job.job_id != job_id))
            for other in others:
                self.cancel(other.job_id)
        except (ProviderError, ValueError):
            # The job exists, also if the list cannot be read or does not have it yet.
            return job_id
        return best.job_id

    def _from_list(self, wanted: set[str]) -> dict[str, JobStatus]:
        """The states of jobs that are among the newest; older ones are left to be asked for one by one."""
        pages = -(-len(wanted) // PAGE) + 1

        def read(opened: _Opened) -> dict[str, JobStatus]:
            found: dict[str, JobStatus] = {}
            for job in _listed(opened.client, TAG, pages):
                if job["id"] in wanted:
                    found[job["id"]] = self._told(job)
                if len(found) == len(wanted):
                    break
            return found

        return self._ask("listing jobs", read)

    def _status(self, job_id: str) -> JobStatus:
        """The state of one job.

        A job may be unknown for a moment, and a job that is called lost may be bought again: so the list is searched
        too, and the job is asked for a second time.
        """
        for look in (self._get, self._among_newest, self._get):
            job = look(job_id)
            if job is not None:
                return self._told(job)
        return JobStatus(job_id, JobState.LOST, message="IBM Quantum does not know the job")

    def _get(self, job_id: str) -> Mapping[str, Any] | None:
        return self._ask("polling", lambda opened: _unless(404, lambda: opened.client.job_get(job_id)))

    def _among_newest(self, job_id: str) -> Mapping[str, Any] | None:
        def read(opened: _Opened) -> Mapping[str, Any] | None:
            return next((job for job in _listed(opened.client, TAG, 2) if job["id"] == job_id), None)

        return self._ask("listing jobs", read)

    def _told(self, job: Mapping[str, Any]) -> JobStatus:
        status = job_status(job)
        return replace(status, message=self._account.redacted(status.message))

    def _fetched(self, job: Any) -> JobResult | None:
        """The result of a job that is done, in as few requests as the client can do with."""
        if job.status() != "DONE":
            return None
        job_id = job.job_id()
        answer = _answer(job)
        # Without metrics the counts are whole; only times and charges are unknown.
        metrics = _unless(404, job.metrics) or {}
        return job_result(job_id, answer, self._registers.get(job_id) or _sent_registers(job), metrics)


def _sampler_options(options: Mapping[str, Any], tags: Sequence[str]) -> Any:
    """Options of ``SamplerV2`` with more tags.

    Raises:
        ValueError: there are no such options, or a value is malformed.
    """
    from qiskit_ibm_runtime import SamplerOptions

    document = deepcopy(dict(options))
    environment = document.setdefault("environment", {})
    environment["job_tags"] = [*tags, *(tag for tag in environment.get("job_tags") or () if tag not in tags)]
    return SamplerOptions(**document)


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Both documents, the second one ahead where they differ."""
    both = {
        key: _merged(first[key], second[key])
        for key in first.keys() & second.keys()
        if isinstance(first[key], Mapping) and isinstance(second[key], Mapping)
    }
    return {**first, **second, **both}


def _listed(client: Any, tag: str, pages: int | None = None) -> Iterator[Mapping[str, Any]]:
    """Jobs with a tag, newest first, each once.

    Pages are counted here: the client's own paging does not end while jobs come and go between two pages.
    """
    seen: set[str] = set()
    offset = page = 0
    while pages is None or page < pages:
        answer = client.jobs_get(limit=PAGE, skip=offset, job_tags=[tag])
        jobs = answer["jobs"]
        yield from (job for job in jobs if job["id"] not in seen)
        seen |= {job["id"] for job in jobs}
        offset, page = offset + len(jobs), page + 1
        if not jobs or offset >= answer["count"]:
            return


def _unless(status: int, work: Callable[[], ResultT]) -> ResultT | None:
    """What ``work`` returns, or none if the service answers with the status."""
    try:
        return work()
    except Exception as error:
        if status_of(error) != status:
            raise
        return None


def _answer(job: Any) -> Any:
    try:
        return job.result()
    except Exception as error:
        if status_of(error) is not None:
            raise
        broken = type(error).__name__
    raise InvalidResultError(f"the result of job {job.job_id()} cannot be decoded ({broken})")


def _sent_registers(job: Any) -> Registers | None:
    """The registers of the PUBs as the service has them; none for a private job, whose input it does not tell."""
    sent = job.inputs
    pubs = sent.get("pubs") if isinstance(sent, Mapping) else None
    return None if pubs is None else tuple(registers_of(pub[0]) for pub in pubs)
