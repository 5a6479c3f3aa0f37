import shutil
from pathlib import Path

import pytest

from prefect_qpu.records import upgrade


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "records.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def store_url(migrated_file: Path, tmp_path: Path) -> str:
    """A migrated database."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path)}"
