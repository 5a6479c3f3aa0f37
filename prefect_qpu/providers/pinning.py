"""Pinning where there is no choice."""

from typing import TypeVar

from prefect_qpu.errors import BackendError
from prefect_qpu.providers.types import Provider

ProviderT = TypeVar("ProviderT", bound=Provider)


def only(provider: ProviderT, name: str) -> ProviderT:
    """The provider itself, whose one backend is the one asked for.

    Raises:
        BackendError: it is another one.
    """
    if name != provider.name:
        raise BackendError("backend", given=name, expected=f"{provider.name}, the only backend of this provider")
    return provider
