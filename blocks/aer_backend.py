"""The `AerBackend` block: a simulator, ideal or with the noise of a device."""

import json
from typing import Any, ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from prefect_qpu.blocks.appearance import DOCUMENTATION, LOGO
from prefect_qpu.calibration import Calibration
from prefect_qpu.experiment import AerBackendSpec
from prefect_qpu.providers.aer import AerProvider


class AerBackend(Block):
    """Qiskit Aer as a backend. Nothing is loaded or computed until a run uses it.

    Example:
        ```python
        from prefect_qpu.blocks import AerBackend

        provider = AerBackend.load("BLOCK_NAME").provider()
        ```
    """

    _block_type_name: ClassVar[str] = "Aer Backend"
    _block_type_slug: ClassVar[str] = "aer-backend"
    _logo_url: ClassVar[HttpUrl] = LOGO
    _documentation_url: ClassVar[HttpUrl] = DOCUMENTATION

    device: str | None = Field(
        default=None,
        description="Class name of a Qiskit fake device that gives the noise; empty for an ideal simulator.",
    )
    calibration: dict[str, Any] | None = Field(
        default=None, description="A calibration snapshot that makes the noise, instead of a device."
    )
    method: str = Field(default="automatic", description="Simulation method of Aer.")

    def specification(self) -> AerBackendSpec:
        """The backend as it stands in an experiment.

        Raises:
            BackendError: the snapshot is malformed.
        """
        snapshot = Calibration.parse(json.dumps(self.calibration), shown="the block's") if self.calibration else None
        return AerBackendSpec(device=self.device, calibration=snapshot, method=self.method)

    def provider(self) -> AerProvider:
        """Where circuits run.

        Raises:
            BackendError: no such device or method, or the snapshot is malformed.
        """
        return AerProvider(self.specification())
