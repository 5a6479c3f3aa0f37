"""The `PriceTable` block: what providers charge."""

from typing import Any, ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, ValidationError

from prefect_qpu.blocks.appearance import DOCUMENTATION, LOGO
from prefect_qpu.definition import explain
from prefect_qpu.prices import PriceTable as Prices


class PriceTable(Block):
    """Prices by backend or provider; one table for many experiments.

    Example:
        ```python
        from prefect_qpu.blocks import PriceTable

        prices = PriceTable.load("BLOCK_NAME").prices()
        ```
    """

    _block_type_name: ClassVar[str] = "QPU Price Table"
    _block_type_slug: ClassVar[str] = "price-table"
    _logo_url: ClassVar[HttpUrl] = LOGO
    _documentation_url: ClassVar[HttpUrl] = DOCUMENTATION

    currency: str = Field(default="USD", description="ISO 4217 code of the currency.")
    providers: dict[str, Any] = Field(
        default_factory=dict,
        description="per_job, per_shot and per_qpu_second by name of a backend, kind of a provider, or default.",
    )
    classical_hour: float = Field(default=0.0, ge=0, description="An hour of the classical opponent's computer.")

    def prices(self) -> Prices:
        """The table as it stands in an experiment.

        Raises:
            ExperimentError: a price is malformed.
        """
        content = {name: getattr(self, name) for name in Prices.model_fields}
        try:
            return Prices.model_validate(content)
        except ValidationError as error:
            raise explain(error, "prices") from error
