"""The `QiskitBackend` block: any vendor's Qiskit backend, and the secrets that open it."""

from typing import Any, ClassVar

from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import Field, HttpUrl, SecretStr, ValidationError

from prefect_qpu.blocks.appearance import DOCUMENTATION, LOGO
from prefect_qpu.definition import explain
from prefect_qpu.errors import BackendError
from prefect_qpu.providers.qiskit_backend import QiskitBackendProvider
from prefect_qpu.providers.qiskit_spec import QiskitBackendSpec


class QiskitBackend(Block):
    """A Qiskit ``BackendV2`` of any vendor. Nothing is imported or sent until a run uses it.

    Example:
        ```python
        from prefect_qpu.blocks import QiskitBackend

        provider = QiskitBackend.load("BLOCK_NAME").provider()
        ```
    """

    _block_type_name: ClassVar[str] = "Qiskit Backend"
    _block_type_slug: ClassVar[str] = "qiskit-backend"
    _logo_url: ClassVar[HttpUrl] = LOGO
    _documentation_url: ClassVar[HttpUrl] = DOCUMENTATION

    source: str = Field(
        default=...,
        description="module:callable that makes the backend or its provider, like qiskit_ionq:IonQProvider.",
    )
    arguments: dict[str, Any] = Field(default={}, description="Keyword arguments of the callable, without secrets.")
    secrets: SecretDict | None = Field(
        default=None, description="Keyword arguments of the callable that nobody may see, such as a token."
    )
    backend: str | None = Field(
        default=None, description="Name of the backend at the vendor's provider; empty for its only one."
    )
    method: str = Field(default="get_backend", description="Method of the vendor's provider that gives a backend.")
    backend_arguments: dict[str, Any] = Field(default={}, description="Further keyword arguments of that method.")
    options: dict[str, Any] = Field(default={}, description="Options of backend.run.")
    tagging: dict[str, Any] = Field(
        default={}, description='Options of backend.run that carry the tag, like {"job_name": "{tag}"}.'
    )
    search: dict[str, Any] | None = Field(
        default=None,
        description='How jobs are found by their tag, like {"method": "jobs", "arguments": {"job_tags": ["{tag}"]}}.',
    )
    simulator: bool | None = Field(
        default=None, description="Whether it simulates; empty takes the word of the backend or of its name."
    )

    def specification(self) -> QiskitBackendSpec:
        """The backend and its options, without secrets.

        Raises:
            BackendError: a setting is malformed.
        """
        try:
            return QiskitBackendSpec(
                **{name: getattr(self, name) for name in QiskitBackendSpec.model_fields if name != "kind"}
            )
        except ValidationError as error:
            first = explain(error)
            raise BackendError(f"backend.{first.field}", given=first.given, expected=first.expected) from None

    def provider(self) -> QiskitBackendProvider:
        """Where circuits run.

        Raises:
            BackendError: a setting is malformed.
        """
        secrets = self.secrets.get_secret_value() if self.secrets else {}
        return QiskitBackendProvider(
            self.specification(), {name: SecretStr(str(value)) for name, value in secrets.items()}
        )
