"""Every error that this package raises, as one tree.

QpuError
├── InputError                  what was given cannot be run: nothing was started, nothing was stored
│   ├── ExperimentError         the experiment definition
│   ├── CircuitError            a circuit: unreadable, invalid, too large for the target
│   ├── ObservableError         an observable: alphabet, width, weights
│   ├── WorkloadError           a problem instance: graph, angles
│   ├── BackendError            a backend or device that does not exist or cannot be configured
│   └── StoreUrlError           a record store that cannot be opened or written
├── StoreError
│   ├── RecordNotFoundError     no such run, circuit, calibration
│   └── StoreSchemaError        the database needs a migration
├── ProviderError
│   ├── ProviderUnavailableError   the provider cannot be reached now (retryable)
│   ├── JobRefusedError            the provider or its client refuses the request: there is no job
│   ├── JobFailedError             the provider ran the job and it failed
│   ├── JobCancelledError          the job was cancelled
│   ├── JobLostError               the provider does not know the job
│   ├── JobInDoubtError            a job may exist that the provider cannot be asked for
│   ├── JobOverdueError            the job did not end before its deadline
│   └── InvalidResultError         the provider's answer is not what was asked for
├── MitigationRefusedError      a method cannot be trusted on this circuit
├── ReplayError                 a stored run cannot be replayed
├── CertificateError            a baseline's certificate does not prove its value
├── RunFailedError              a flow run ended without an outcome
└── NoAnswerError               every path to an answer was refused or failed
"""

import copyreg
from collections.abc import Sequence
from typing import Any, ClassVar, Self


class QpuError(Exception):
    """Root of all errors; ``retryable`` tells whether the same call may succeed later."""

    retryable: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles skip ``__init__``, whose arguments are not the message."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class InputError(QpuError):
    """Bad input, told in one message: the field, what was given, what is expected, what to do; further errors follow.

    Example:
        >>> print(InputError("shots", given=-5, expected="an integer from 1", hint="Set shots: 4096."))
        shots: got -5, expected an integer from 1. Set shots: 4096.
    """

    longest: ClassVar[int] = 120

    def __init__(
        self, field: str, *, given: Any, expected: str, hint: str = "", also: Sequence["InputError"] = ()
    ) -> None:
        self.field, self.given, self.expected, self.hint, self.also = field, given, expected, hint, tuple(also)
        told = f"{field}: got {_shown(given, self.longest)}, expected {expected}.{' ' + hint if hint else ''}"
        super().__init__("\n".join([told, *map(str, self.also)]))

    def within(self, prefix: str) -> Self:
        """The same error, its field under a prefix.

        Example:
            >>> print(WorkloadError("nodes", given=0, expected="an integer from 2").within("workload.graph"))
            workload.graph.nodes: got 0, expected an integer from 2.
        """
        field = f"{prefix}.{self.field}" if self.field else prefix
        also = [error.within(prefix) for error in self.also]
        return type(self)(field, given=self.given, expected=self.expected, hint=self.hint, also=also)


class ExperimentError(InputError):
    """The experiment definition is malformed or contradicts itself."""


class CircuitError(InputError):
    """A circuit cannot be read, or cannot run on the target."""


class ObservableError(InputError):
    """An observable is malformed or does not fit its circuit."""


class WorkloadError(InputError):
    """A problem instance is malformed."""


class BackendError(InputError):
    """A backend or device is unknown or cannot be configured."""


class StoreUrlError(InputError):
    """The record store at this URL cannot be opened or written."""


class StoreError(QpuError):
    """The record store cannot do what was asked."""


class RecordNotFoundError(StoreError):
    """The record store holds no such record."""

    def __init__(self, what: str, key: str, hint: str = "") -> None:
        self.what, self.key = what, key
        super().__init__(f"no {what} {key!r} in the record store.{' ' + hint if hint else ''}")


class StoreSchemaError(StoreError):
    """The database has another schema revision than this version of the package."""


class ProviderError(QpuError):
    """A provider did not do what was asked."""


class ProviderUnavailableError(ProviderError):
    """The provider cannot be reached now; nothing is known about the job.

    ``sent`` is false where the provider is known to have accepted nothing, so that the same may be sent again at once.
    """

    retryable = True

    def __init__(self, message: str, retry_after: float | None = None, *, sent: bool = True) -> None:
        self.retry_after, self.sent = retry_after, sent
        super().__init__(message)


class JobRefusedError(ProviderError):
    """The provider or its client refuses the request: no job was made, and the same request would be refused again."""


class JobFailedError(ProviderError):
    """The job failed at the provider; ``retryable`` where the provider is to blame."""

    def __init__(self, message: str, *, job_id: str | None = None, retryable: bool = False) -> None:
        self.job_id, self.retryable = job_id, retryable
        super().__init__(message)


class JobCancelledError(ProviderError):
    """The job was cancelled before it had a result."""


class JobLostError(ProviderError):
    """The provider does not know the job; it is not bought again, for it may only be hidden from this account."""


class JobInDoubtError(ProviderError):
    """A job may exist at a provider that cannot be searched: a person has to look before another one is bought."""


class JobOverdueError(ProviderError):
    """The job did not end before the deadline of its experiment."""


class InvalidResultError(ProviderError):
    """The provider answered with something that is not the result of the request."""


class MitigationRefusedError(QpuError):
    """A mitigation method refuses a circuit on which its answer could not be trusted."""


class ReplayError(QpuError):
    """A stored run lacks what its analysis needs."""


class RunFailedError(QpuError):
    """A flow run ended without an outcome."""


class CertificateError(QpuError):
    """The certificate of a baseline does not prove what the baseline claims."""


class NoAnswerError(QpuError):
    """The quantum path and every fallback were refused or failed."""


def _shown(given: Any, longest: int) -> str:
    if given is None:
        return "nothing"
    text = repr(given)
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"
