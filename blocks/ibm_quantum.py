"""The blocks of IBM Quantum: `IBMQuantumCredentials`, who asks, and `IBMQuantumBackend`, where jobs run."""

from typing import Any, ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr, ValidationError

from prefect_qpu.blocks.appearance import DOCUMENTATION, LOGO
from prefect_qpu.definition import explain
from prefect_qpu.errors import BackendError
from prefect_qpu.providers.ibm import IBMQuantumProvider
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.providers.ibm_spec import IBMBackendSpec, Mode, Rule


class IBMQuantumCredentials(Block):
    """An API key and the service instance that it opens. Loading the block asks nobody.

    Example:
        ```python
        from prefect_qpu.blocks import IBMQuantumCredentials

        service = IBMQuantumCredentials.load("BLOCK_NAME").service()
        ```
    """

    _block_type_name: ClassVar[str] = "IBM Quantum Credentials"
    _block_type_slug: ClassVar[str] = "ibm-quantum-credentials"
    _logo_url: ClassVar[HttpUrl] = LOGO
    _documentation_url: ClassVar[HttpUrl] = DOCUMENTATION

    api_key: SecretStr = Field(default=..., description="API key of IBM Cloud.")
    instance: str = Field(default=..., description="CRN or name of the service instance.")
    channel: str = Field(
        default="ibm_quantum_platform",
        pattern="^(ibm_quantum_platform|ibm_cloud)$",
        description="ibm_quantum_platform or ibm_cloud.",
    )
    url: str | None = Field(
        default=None,
        description=(
            "Address of the service; empty for IBM's. The API key is exchanged at IAM_URL of the environment, "
            "or else at IBM's address, whatever stands here."
        ),
    )
    proxies: dict[str, Any] | None = Field(
        default=None, description="urls, username_ntlm and password_ntlm of a proxy, as IBM's client takes them."
    )

    def account(self) -> IBMAccount:
        """The account as the library takes it."""
        return IBMAccount(self.api_key, self.instance, self.channel, self.url, self.proxies)

    def service(self) -> Any:
        """A connected ``QiskitRuntimeService``.

        Raises:
            ProviderUnavailableError: the service cannot be reached now.
            ProviderError: the service refuses the API key or does not know the instance.
        """
        return self.account().connect()


class IBMQuantumBackend(Block):
    """A QPU of IBM Quantum as a backend. Nothing is loaded or sent until a run uses it.

    Example:
        ```python
        from prefect_qpu.blocks import IBMQuantumBackend

        provider = IBMQuantumBackend.load("BLOCK_NAME").provider()
        ```
    """

    _block_type_name: ClassVar[str] = "IBM Quantum Backend"
    _block_type_slug: ClassVar[str] = "ibm-quantum-backend"
    _logo_url: ClassVar[HttpUrl] = LOGO
    _documentation_url: ClassVar[HttpUrl] = DOCUMENTATION

    credentials: IBMQuantumCredentials = Field(default=..., description="API key and service instance.")
    backend: str | None = Field(
        default=None, description="Name of the backend, for example ibm_torino; empty lets the rule choose."
    )
    rule: Rule = Field(
        default="least_busy",
        description="How an unnamed backend is chosen: least_busy, or best by queue, calibration and circuit.",
    )
    candidates: list[str] = Field(
        default=[], description="Names of backends to choose among; empty for all that are wide enough."
    )
    min_qubits: int | None = Field(default=None, description="Least number of qubits of a chosen backend.")
    fractional_gates: bool = Field(default=False, description="Whether circuits are compiled to fractional gates.")
    mode: Mode = Field(default="job", description="Whether a job stands alone, or in a batch or session of its own.")
    max_time: int | None = Field(default=None, description="Seconds after which a batch or session ends.")
    accept_paused: bool = Field(
        default=False, description="Whether a job may wait at a backend that runs none now; else it is refused."
    )
    options: dict[str, Any] = Field(
        default={}, description='Options of SamplerV2, for example {"dynamical_decoupling": {"enable": true}}.'
    )

    def specification(self) -> IBMBackendSpec:
        """The backend and its options, without credentials.

        Raises:
            BackendError: a setting is malformed.
        """
        settings = {name: getattr(self, name) for name in IBMBackendSpec.model_fields if name != "kind"}
        try:
            return IBMBackendSpec(**settings)
        except ValidationError as error:
            first = explain(error)
            raise BackendError(f"backend.{first.field}", given=first.given, expected=first.expected) from None

    def provider(self) -> IBMQuantumProvider:
        """Where circuits run.

        Raises:
            BackendError: a setting is malformed.
        """
        return IBMQuantumProvider(self.specification(), self.credentials.account())
