"""Where a record store is: database URLs, read, checked, and shown without their secrets."""

import os
import re
from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from prefect_qpu.errors import StoreUrlError

VARIABLE = "PREFECT_QPU_STORE"
EXPECTED = "a database URL such as sqlite:////home/me/records.db or postgresql+psycopg://user:password@host/records"

_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_SECRETS = ("password", "sslpassword")
_HIDDEN = "***"


def default_url() -> str:
    """The URL in the environment variable ``PREFECT_QPU_STORE``, or that of a SQLite file in the home folder."""
    given = os.environ.get(VARIABLE)
    return given or sqlite_url(default_folder() / "records.db")


def default_folder() -> Path:
    """The folder of this package's files in the home folder."""
    return Path.home() / ".prefect-qpu"


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file.

    Example:
        >>> sqlite_url(Path("/data/records.db"))
        'sqlite:////data/records.db'
    """
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def parse_url(text: str) -> URL:
    """The URL with the driver that the store uses; a SQLite path is made absolute.

    Raises:
        StoreUrlError: it is no URL, or of another database than SQLite or PostgreSQL.

    Example:
        >>> parse_url("postgresql://me@localhost/records").drivername
        'postgresql+psycopg'
    """
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError):
        # The cause is left out because it may quote the password.
        raise refused(text, EXPECTED) from None
    if url.drivername not in _DRIVERS:
        raise refused(text, EXPECTED, f"The store does not speak {url.drivername}.")
    url = url.set(drivername=_DRIVERS[url.drivername])
    return _absolute(url) if url.drivername == "sqlite" else url


def in_memory(url: URL) -> bool:
    """Whether the database is gone with its last connection."""
    return url.drivername == "sqlite" and url.database in {None, "", ":memory:"}


def masked(given: str | URL) -> str:
    """The URL without its password, also if it is malformed.

    Example:
        >>> masked("postgresql://me:secret@host/records?sslpassword=other")
        'postgresql://me:***@host/records?sslpassword=***'
    """
    text = given.render_as_string(hide_password=False) if isinstance(given, URL) else given
    user = r"(://[^:@/?]*):.*@" if "://" in text else r"^([^:]*):.*@"
    text = re.sub(user, rf"\1:{_HIDDEN}@", text, flags=re.DOTALL)
    return re.sub(rf"(?i)\b({'|'.join(_SECRETS)})=[^&\s]*", rf"\1={_HIDDEN}", text)


def without_secrets(message: object, url: URL) -> str:
    """A driver's message in one line, in which no secret of the URL stands."""
    text = " ".join(str(message).split())
    values = [url.password, *(url.query.get(name) for name in _SECRETS)]
    for value in values:
        for secret in (value,) if isinstance(value, str) else value or ():
            for form in sorted({secret, quote(secret, safe=""), quote_plus(secret)} - {""}, key=len, reverse=True):
                text = text.replace(form, _HIDDEN)
    return text


def refused(given: str | URL, expected: str, hint: str = "") -> StoreUrlError:
    """The error that a store cannot be opened at a URL."""
    return StoreUrlError("store", given=masked(given), expected=expected, hint=hint)


def _absolute(url: URL) -> URL:
    if url.query:
        raise refused(url, "a SQLite URL without options")
    if in_memory(url):
        return url
    return url.set(database=str(Path(url.database or "").expanduser().absolute()))
