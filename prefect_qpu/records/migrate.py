"""Which schema revision a database has, and bringing it to the one that this version of the package needs."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from prefect_qpu.errors import StoreSchemaError
from prefect_qpu.records.database import Database
from prefect_qpu.records.schema import Base
from prefect_qpu.records.urls import masked, refused

if TYPE_CHECKING:
    from alembic.config import Config

HEAD_REVISION = "0003"
"""The newest revision in ``migrations/versions``; a constant, so that opening a store need not import Alembic."""

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x71707572
"""Key of the PostgreSQL advisory lock that migrations of this store take."""


def current_revision(url: str) -> str | None:
    """The schema revision of the database at a URL, or none if it is empty.

    Raises:
        StoreUrlError: the database does not exist or cannot be opened.
    """
    database = Database(url, create=False)
    try:
        return _stored_revision(database)
    finally:
        database.close()


def upgrade(url: str) -> str:
    """The schema revision after the database at a URL was brought up to date; a missing SQLite file is made.

    Raises:
        StoreUrlError: the database cannot be opened.
        StoreSchemaError: the database is of a newer version of the package.
    """
    database = Database(url)
    try:
        prepare(database)
    finally:
        database.close()
    return HEAD_REVISION


def prepare(database: Database, *, create: bool = True) -> None:
    """Bring a database up to date, once, however many processes ask for it at the same moment.

    Args:
        database: The database.
        create: Whether an empty database becomes a store.
    """
    revision = _stored_revision(database)
    if revision == HEAD_REVISION:
        return
    if revision is None and not create:
        raise refused(database.url, "an existing record store", "The database is empty.")
    with database.writing() as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _migrate(database, connection)


def _stored_revision(database: Database) -> str | None:
    with database.reading() as session:
        return _revision(session.connection())


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(database: Database, connection: Connection) -> None:
    """Migrate inside the transaction of a connection that holds the lock."""
    revision = _revision(connection)
    if revision == HEAD_REVISION:
        return
    if revision is None:
        _check_free(database, connection)
    elif revision not in _known_revisions():
        raise StoreSchemaError(
            f"the record store {masked(database.url)} has the schema revision {revision!r}, which this version of "
            f"prefect-qpu does not know (its newest is {HEAD_REVISION!r}). Upgrade prefect-qpu, or use another "
            "database for the store."
        )
    from alembic import command  # takes 0.7 s, and is needed only here

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _check_free(database: Database, connection: Connection) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(Base.metadata.tables))
    if taken:
        raise refused(
            database.url,
            "an empty database or a record store",
            f"It has tables of another program: {', '.join(taken)}.",
        )


def _known_revisions() -> set[str]:
    from alembic.script import ScriptDirectory  # takes 0.7 s, and is needed only here

    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> "Config":
    from alembic.config import Config  # takes 0.7 s, and is needed only here

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
