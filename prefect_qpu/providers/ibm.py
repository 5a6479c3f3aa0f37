"""`IBMQuantumProvider`: QPUs of IBM Quantum, through IBM's own client."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, TypeVar

from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target

from prefect_qpu.calibration import Calibration
from prefect_qpu.errors import (
    BackendError,
    InvalidResultError,
    JobRefusedError,
    ProviderError,
    ProviderUnavailableError,
)
from prefect_qpu.hashing import content_hash
from prefect_qpu.latency import Clock, utc_now
from prefect_qpu.providers.failures import status_of, unless
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.providers.ibm_answers import (
    Registers,
    job_result,
    job_status,
    registers_of,
    usage_of,
    without_result,
)
from prefect_qpu.providers.ibm_calibration import calibration_at_run
from prefect_qpu.providers.ibm_connection import IBMConnection, backend_for, candidate_names
from prefect_qpu.providers.ibm_jobs import TAG, described, listed
from prefect_qpu.providers.ibm_spec import IBMBackendSpec, merged
from prefect_qpu.providers.ibm_submission import admit, check_options, sampler_options, workload
from prefect_qpu.providers.types import Availability, JobRequest, JobResult, JobState, JobStatus, Limits, Usage

ResultT = TypeVar("ResultT")

CALIBRATION_LIFE = timedelta(minutes=10)
"""How long a calibration is taken for the newest one."""
MOST_EXECUTIONS = 10_000_000
"""Shots of all circuits and parameter values that the service takes in one job."""

_BEST = (JobState.DONE, JobState.RUNNING, JobState.QUEUED)


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
        connection: A connection of the account to share.

    Example:
        >>> from pydantic import SecretStr
        >>> account = IBMAccount(SecretStr("key"), "crn:v1:...")
        >>> IBMQuantumProvider(IBMBackendSpec(backend="ibm_torino"), account).name
        'ibm_torino'
    """

    kind = "ibm"
    durable = True
    searchable = True

    def __init__(
        self,
        spec: IBMBackendSpec,
        account: IBMAccount,
        *,
        clock: Clock = utc_now,
        connection: IBMConnection | None = None,
    ) -> None:
        self._spec, self._account, self._clock = spec, account, clock
        self._connection = connection or IBMConnection(account)
        self._lock = RLock()
        self._last: _Opened | None = None
        self._known: tuple[datetime, Calibration] | None = None
        self._registers: dict[str, Registers] = {}
        self._workload: Any = None

    @property
    def name(self) -> str:
        """Name of the backend; the least busy one is chosen once, when it is first asked for."""
        return self._spec.backend or str(self._ask("choosing a backend", lambda opened: opened.backend.name))

    @property
    def service(self) -> str:
        """``ibm``, ``emulator``, or ``unknown`` for a service that is neither IBM's own nor says what it is."""
        if self._account.at_ibm:
            return "ibm"
        if self._account.at_loopback or self._ask("reading the configuration", _says_that_it_emulates):
            return "emulator"
        return "unknown"

    @property
    def simulator(self) -> bool:
        """Whether the service emulates its devices."""
        return self.service == "emulator"

    @property
    def chooses(self) -> bool:
        """Whether the rule is ``best`` and no backend is named."""
        return self._spec.backend is None and self._spec.rule == "best"

    def describe(self) -> dict[str, Any]:
        """The effective settings as JSON data; the instance is told by a fingerprint, for it names the account."""
        service = self.service
        return {
            "kind": self.kind,
            "name": self.name,
            "simulator": service == "emulator",
            "service": service,
            "channel": self._account.channel,
            "url": self._account.url,
            "instance": content_hash(self._account.instance)[:12],
            "fractional_gates": self._spec.fractional_gates,
            "mode": self._spec.mode,
            "options": self._spec.options,
        }

    def calibration(self) -> Calibration:
        """The newest calibration, read again after `CALIBRATION_LIFE`."""
        with self._lock:
            if self._known is None or self._clock() - self._known[0] > CALIBRATION_LIFE:
                self._known = self._clock(), self._ask("reading the calibration", self._calibrated)
            return self._known[1]

    def calibration_of(self, job_id: str) -> Calibration | None:
        """The calibration that was valid when a job ran; none if it has not run, or is not known."""

        def read(opened: _Opened) -> Calibration | None:
            job = opened.client.job_get(job_id)
            fractional = opened.backend.options.use_fractional_gates
            own = job["backend"] == opened.backend.name
            where = opened.backend if own else opened.service.backend(job["backend"], use_fractional_gates=fractional)
            return calibration_at_run(opened.service, where, opened.client.job_metadata(job_id))

        return self._ask("reading the calibration of a job", lambda opened: unless(404, lambda: read(opened)))

    def target(self) -> Target:
        """The backend's target, with its newest calibration."""
        self.calibration()
        return self._ask("reading the target", lambda opened: opened.backend.target)

    def limits(self) -> Limits:
        """What the backend allows in one job, as far as it tells, and the service, which only says so in words."""
        backend = self._ask("reading the limits", lambda opened: opened.backend)
        configuration = backend.configuration()
        shots = getattr(configuration, "max_shots", None)
        return Limits(max_pubs=backend.max_circuits, max_shots=shots, max_executions=MOST_EXECUTIONS)

    def availability(self) -> Availability:
        """Whether the backend runs jobs now, and how many wait."""
        status = self._ask("reading the queue", lambda opened: opened.client.backend_status(opened.backend.name))
        message = str(status["status_msg"])
        return Availability(bool(status["operational"]) and message == "active", status["pending_jobs"], message)

    def candidates(self) -> tuple[str, ...]:
        """The backend that is named, the candidates of the specification, or all that are online and wide enough."""
        return self._connection.ask("listing backends", lambda service: candidate_names(service, self._spec))

    def pinned(self, name: str) -> "IBMQuantumProvider":
        """The provider of one backend, with the same account, options and connection."""
        return type(self)(self._spec.at(name), self._account, clock=self._clock, connection=self._connection)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Jobs that are submitted within belong to one batch or session, as the mode says.

        It takes no more jobs afterwards; those that were sent still run.
        """
        with ExitStack() as stack:
            if self._spec.mode != "job":
                enter = stack.enter_context
                self._workload = self._ask(
                    "opening a session", lambda opened: enter(workload(self._spec, opened.backend))
                )
                stack.callback(setattr, self, "_workload", None)
            yield

    def submit(self, request: JobRequest) -> str:
        """The id of the new job.

        The client sends a request again if the service fails to answer it, which may make several jobs with the tag;
        `find` tells of all of them.

        Raises:
            CircuitError: classical bits would be lost or change their order.
            ProviderUnavailableError: it is not known whether there is a job; `find` tells.
            JobRefusedError: there is no job, and sending the same again would not help.
        """
        registers = tuple(registers_of(pub.circuit) for pub in request.pubs)
        job_id = self._accepted(request)
        self._registers[job_id] = registers
        return job_id

    def status(self, job_ids: Sequence[str]) -> list[JobStatus]:
        """The state of each job, in the order asked; many are read from the list of jobs, page by page."""
        found = described(job_ids, self._ask_client, self._told)
        return [found.get(job_id) or _lost(job_id) for job_id in job_ids]

    def result(self, job_id: str, pubs: Sequence[SamplerPub] = ()) -> JobResult:  # noqa: ARG002
        """The counts of a finished job, with the provider's times and the seconds that it charges for.

        Raises:
            JobFailedError: the job failed.
            JobCancelledError: the job was cancelled.
            JobLostError: the provider does not know the job.
            InvalidResultError: the answer is not the result of the request.
            ProviderUnavailableError: the service does not have the result yet.
        """
        result = self._ask(
            "fetching the result", lambda opened: unless(404, lambda: self._fetched(opened.service.job(job_id)))
        )
        if result is None:
            raise without_result(self.status([job_id])[0])
        return result

    def usage(self, job_id: str) -> Usage:
        """The seconds that are charged for a job; the service makes up its mind some time after its end."""

        def read(client: Any) -> Mapping[str, Any] | None:
            return unless(404, lambda: client.job_metadata(job_id))

        metrics: Mapping[str, Any] | None = self._ask_client("reading the usage", read)
        return usage_of(metrics or {})

    def cancel(self, job_id: str) -> None:
        """Ask for cancellation; a finished job is left as it is."""
        self._ask_client("cancelling", lambda client: unless(409, lambda: client.job_cancel(job_id)))

    def find(self, tag: str) -> list[JobStatus]:
        """All jobs that carry the tag, newest first."""
        # Tags are compared here too: a job that is not ours must never be taken for ours.
        jobs = self._ask_client("searching", lambda client: list(listed(client, tag)))
        return [self._told(job) for job in jobs if tag in (job.get("tags") or ())]

    def _ask(self, doing: str, work: Callable[[_Opened], ResultT]) -> ResultT:
        return self._connection.ask(doing, lambda service: work(self._opened(service)))

    def _ask_client(self, doing: str, work: Callable[[Any], ResultT]) -> ResultT:
        return self._ask(doing, lambda opened: work(opened.client))

    def _opened(self, service: Any) -> _Opened:
        with self._lock:
            if self._last is None or self._last.service is not service:
                check_options(self._spec.options)
                self._last = _Opened(service, self._backend(service))
            return self._last

    def _backend(self, service: Any) -> Any:
        """The backend; once the rule has chosen, it stays, also on a new connection."""
        if self._last is not None:
            return backend_for(service, self._spec.at(str(self._last.backend.name)))
        if self.chooses:
            raise BackendError(
                "backend.rule",
                given="best",
                expected="a provider that is pinned to the chosen backend",
                hint="prefect_qpu.choosing.choose chooses by the circuit.",
            )
        return backend_for(service, self._spec)

    def _calibrated(self, opened: _Opened) -> Calibration:
        if self._known is not None:
            opened.backend.refresh()
        return Calibration.from_backend(opened.backend)

    def _accepted(self, request: JobRequest) -> str:
        """The id of the job that the service made of a request."""
        try:
            return self._ask("submitting", lambda opened: self._send(opened, request))
        except (ProviderUnavailableError, JobRefusedError):
            raise
        except ProviderError as error:
            refusal = error
        # An answer that refuses may be the second one, after a first try of the client that was accepted.
        known = [status.job_id for status in self._found(request.tag) if status.state in _BEST]
        if not known:
            raise JobRefusedError(str(refusal))
        return known[0]

    def _found(self, tag: str) -> list[JobStatus]:
        """The jobs of a tag; none where the service refuses to tell, as it refused the request."""
        try:
            return self.find(tag)
        except ProviderUnavailableError:
            raise
        except ProviderError:
            return []

    def _send(self, opened: _Opened, request: JobRequest) -> str:
        from qiskit_ibm_runtime import SamplerV2

        admit(opened.client, opened.backend.name, paused=self._spec.accept_paused)
        options = sampler_options(merged(self._spec.options, request.options), (request.tag, TAG))
        with ExitStack() as stack:
            mode = self._workload or stack.enter_context(workload(self._spec, opened.backend))
            return str(SamplerV2(mode=mode, options=options).run(list(request.pubs)).job_id())

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
        metrics = unless(404, job.metrics) or {}
        return job_result(job_id, answer, self._registers.get(job_id) or _sent_registers(job), metrics)


def _lost(job_id: str) -> JobStatus:
    return JobStatus(job_id, JobState.LOST, message="IBM Quantum does not know the job")


def _says_that_it_emulates(opened: _Opened) -> bool:
    return bool(opened.backend.configuration().to_dict().get("emulator"))


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
