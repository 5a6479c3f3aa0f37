"""Column types that hold the same value on SQLite and on PostgreSQL."""

import math
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Double, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from prefect_qpu.errors import StoreError

RowId = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up a primary key only if its type is INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: an aware datetime goes in, the same moment in UTC comes out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC, without its zone where the database keeps none."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise StoreError(f"the time {value.isoformat()} has no time zone, expected an aware datetime.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class _Untouched(UserDefinedType[Any]):
    """A SQLite column without numeric affinity, which would turn minus zero into zero."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "BLOB"


class ExactDouble(TypeDecorator[float]):
    """A double that comes back bit for bit, also minus zero and infinity; NaN comes back as NaN."""

    impl = Double
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type in the database."""
        return dialect.type_descriptor(_Untouched() if dialect.name == "sqlite" else Double())

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | str | None:
        """The number; on SQLite the text ``nan``, because SQLite turns NaN into null."""
        if value is None:
            return None
        return "nan" if dialect.name == "sqlite" and math.isnan(value) else float(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:  # noqa: ARG002
        """The number."""
        return None if value is None else float(value)


class Message(TypeDecorator[str]):
    """Text from elsewhere: what a database cannot hold in text (NUL, lone surrogates) is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The text in characters that both databases take."""
        return None if value is None else value.encode("utf-8", "replace").decode().replace("\x00", "�")
