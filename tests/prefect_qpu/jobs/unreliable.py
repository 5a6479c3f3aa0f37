"""A provider that loses answers."""

import time
from collections.abc import Callable, Sequence

from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.errors import ProviderError, ProviderUnavailableError, QpuError
from prefect_qpu.experiment import AerBackendSpec
from prefect_qpu.providers import JobRequest, JobResult, JobStatus
from prefect_qpu.providers.aer import AerProvider


class UnreliableProvider(AerProvider):
    """A durable provider over Aer that counts what is bought and fails as it is told."""

    durable = True

    def __init__(self) -> None:
        super().__init__(AerBackendSpec(device="FakeManilaV2"))
        self.bought: list[str] = []
        self.cancelled: list[str] = []
        self.lose_answers = 0
        self.drop_requests = 0
        self.fail_polls = 0
        self.fail_finds = 0
        self.refuse_cancel = False
        self.refusal: QpuError | None = None
        self.hidden: set[str] = set()
        self.meanwhile: Callable[[], None] | None = None
        self.states: dict[str, JobStatus] = {}
        self.damage: Callable[[JobResult], JobResult] = lambda result: result

    def submit(self, request: JobRequest) -> str:
        if self.refusal is not None:
            raise self.refusal
        if self.drop_requests:
            self.drop_requests -= 1
            raise ProviderUnavailableError("the connection was cut before the job was accepted")
        job_id = super().submit(request)
        self.bought.append(job_id)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.lose_answers:
            self.lose_answers -= 1
            raise ProviderUnavailableError("the connection was cut after the job was accepted")
        return job_id

    def status(self, job_ids: Sequence[str]) -> list[JobStatus]:
        if self.fail_polls:
            self.fail_polls -= 1
            raise ProviderUnavailableError("503")
        found = super().status(job_ids)
        return [self.states.get(status.job_id, status) for status in found]

    def find(self, tag: str) -> list[JobStatus]:
        if self.fail_finds:
            self.fail_finds -= 1
            raise ProviderUnavailableError("503")
        mine = {*self.bought, *self.states} - self.hidden
        if not self.searchable:
            return []
        return [status for status in super().find(tag) if status.job_id in mine]

    def cancel(self, job_id: str) -> None:
        if self.refuse_cancel:
            raise ProviderError("400: the job cannot be cancelled")
        self.cancelled.append(job_id)

    def result(self, job_id: str, pubs: Sequence[SamplerPub] = ()) -> JobResult:
        return self.damage(super().result(job_id, pubs))

    def let_all_end(self) -> None:
        """Return when every job that was bought is done."""
        while any(not status.state.final for status in super().status(self.bought)):
            time.sleep(0.005)
