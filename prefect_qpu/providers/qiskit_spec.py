"""`QiskitBackendSpec`: any vendor's Qiskit backend, by the import path of what makes it."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from prefect_qpu.definition import Definition
from prefect_qpu.errors import BackendError

SOURCE = r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$"
TAG = "{tag}"
_SECRET_NAME = re.compile(r"(?i)token|password|secret|credential|api_?key|authorization")


def _no_secrets(arguments: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    # Not a ValueError: pydantic would show the secret.
    for name in _names(arguments):
        if _SECRET_NAME.search(name):
            raise BackendError(
                f"backend.{info.field_name}",
                given=f"a value of {name}",
                expected="no secrets, for it is recorded",
                hint="It belongs into the block's secrets.",
            )
    return arguments


def _names(arguments: Mapping[str, Any]) -> Iterator[str]:
    for name, value in arguments.items():
        yield str(name)
        if isinstance(value, Mapping):
            yield from _names(value)


Arguments = Annotated[dict[str, Any], AfterValidator(_no_secrets)]


class JobSearch(Definition):
    """How a vendor's jobs are found by their tag."""

    method: str
    """Method of the backend, or of the vendor's provider, that lists jobs."""
    arguments: dict[str, Any]
    """Its keyword arguments; the text ``{tag}`` in them stands for the tag, wherever it occurs."""


class QiskitBackendSpec(Definition):
    """A Qiskit ``BackendV2`` of any vendor, and how circuits run on it.

    Example:
        >>> ionq = QiskitBackendSpec(source="qiskit_ionq:IonQProvider", backend="qpu.forte-1",
        ...                          tagging={"extra_metadata": {"request": "{tag}"}})
        >>> filled(ionq.tagging, "6fa1")
        {'extra_metadata': {'request': '6fa1'}}
    """

    kind: Annotated[str, Field(pattern="^qiskit$")] = "qiskit"
    source: Annotated[str, Field(pattern=SOURCE)]
    """``module:callable`` that makes the backend, or the vendor's provider of it."""
    arguments: Arguments = Field(default_factory=dict)
    """Keyword arguments of the callable; secrets are given apart from them."""
    backend: str | None = None
    """Name that the vendor's provider gets; none asks it for its only backend."""
    method: str = "get_backend"
    """Method of the vendor's provider that gives a backend; dots lead to one of its parts."""
    backend_arguments: Arguments = Field(default_factory=dict)
    """Further keyword arguments of that method."""
    options: Arguments = Field(default_factory=dict)
    """Options of ``backend.run``."""
    tagging: dict[str, Any] = Field(default_factory=dict)
    """Options of ``backend.run`` by which a job carries its tag, ``{tag}`` in them; empty where the vendor has none."""
    search: JobSearch | None = None
    """How jobs are found by their tag; none where the vendor cannot."""
    simulator: bool | None = None
    """Whether it simulates; none takes the word of the backend, or of its name."""

    @model_validator(mode="after")
    def _searched_jobs_are_tagged(self) -> Self:
        if self.search is not None and TAG not in str(self.tagging):
            raise ValueError("tagging with {tag} in it, where jobs are searched by their tag")
        return self


def filled(template: Any, tag: str) -> Any:
    """The template with a tag in place of ``{tag}``."""
    if isinstance(template, str):
        return template.replace(TAG, tag)
    if isinstance(template, Mapping):
        return {key: filled(value, tag) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [filled(value, tag) for value in template]
    return template
