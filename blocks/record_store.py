"""The `RecordStore` block: where runs are recorded."""

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from prefect_qpu import records
from prefect_qpu.blocks.appearance import DOCUMENTATION, LOGO


class RecordStore(Block):
    """The database that keeps experiments, submissions, counts and estimates.

    Example:
        ```python
        from prefect_qpu.blocks import RecordStore

        store = RecordStore.load("BLOCK_NAME").open()
        ```
    """

    _block_type_name: ClassVar[str] = "QPU Record Store"
    _block_type_slug: ClassVar[str] = "qpu-record-store"
    _logo_url: ClassVar[HttpUrl] = LOGO
    _documentation_url: ClassVar[HttpUrl] = DOCUMENTATION

    url: SecretStr | None = Field(
        default=None,
        description=(
            "SQLAlchemy URL of a SQLite or PostgreSQL database, for example "
            "postgresql+psycopg://user:password@host/records; empty means PREFECT_QPU_STORE or a SQLite file in the "
            "home folder."
        ),
    )

    def open(self) -> records.RecordStore:
        """The opened store, its schema brought up to date.

        Raises:
            StoreUrlError: the database cannot be opened or written.
        """
        return records.RecordStore.open(self.url.get_secret_value() if self.url else None)
