import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from prefect_qpu.errors import StoreSchemaError, StoreUrlError
from prefect_qpu.records import HEAD_REVISION, RecordStore, current_revision, migrate, upgrade
from prefect_qpu.records.database import Database
from prefect_qpu.records.schema import Base

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade():
    op.create_table("next_sweeps", sa.Column("id", sa.String(), primary_key=True))
    {more}
"""


def test_the_constant_is_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(migrate._config()).get_heads() == [HEAD_REVISION]


def test_the_migrations_lead_to_the_tables_of_the_schema(store_url: str) -> None:
    database = Database(store_url)
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_every_constraint_has_its_name(store_url: str) -> None:
    database = Database(store_url)
    inspector = inspect(database.engine)
    for table in Base.metadata.tables:
        assert inspector.get_pk_constraint(table)["name"] == f"pk_{table}"
        named = [*inspector.get_foreign_keys(table), *inspector.get_unique_constraints(table)]
        assert all(item["name"] and item["name"].startswith(("fk_", "uq_")) for item in named)
    database.close()


def test_an_empty_database_is_upgraded(empty_url: str) -> None:
    assert upgrade(empty_url) == HEAD_REVISION == current_revision(empty_url)
    assert upgrade(empty_url) == HEAD_REVISION


def test_the_revision_of_a_missing_file_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreUrlError, match="expected an existing record store"):
        current_revision(f"sqlite:///{tmp_path}/records.db")
    assert list(tmp_path.iterdir()) == []


def test_a_newer_database_is_refused_with_what_to_do(store_url: str) -> None:
    database = Database(store_url)
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    for opening in (RecordStore.open, upgrade):
        with pytest.raises(StoreSchemaError, match=r"revision '9999'.*Upgrade prefect-qpu, or use another database"):
            opening(store_url)
    assert current_revision(store_url) == "9999"


def with_next_revision(folder: Path, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    """As if a newer version of the package, with one more migration, were installed."""
    scripts = folder / "migrations"
    shutil.copytree(migrate._SCRIPTS, scripts)
    (scripts / "versions" / "next.py").write_text(NEXT.format(head=HEAD_REVISION, more=more))
    monkeypatch.setattr(migrate, "_SCRIPTS", scripts)
    monkeypatch.setattr(migrate, "HEAD_REVISION", "next")


def test_an_older_store_is_migrated_when_it_is_opened(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_next_revision(tmp_path, monkeypatch, more="")
    with RecordStore.open(store_url, create=False) as store:
        assert inspect(store._database.engine).has_table("next_sweeps")
    assert current_revision(store_url) == "next"


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_next_revision(tmp_path, monkeypatch, more="raise RuntimeError('power cut')")
    with pytest.raises(RuntimeError, match="power cut"):
        RecordStore.open(store_url)
    assert current_revision(store_url) == HEAD_REVISION
    database = Database(store_url)
    assert not inspect(database.engine).has_table("next_sweeps")
    database.close()
