"""The shape of the tree: who may import whom, and how the top-level folders become one package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "library": {"library"},
    "blocks": {"library", "blocks"},
    "tasks": {"library", "blocks", "tasks"},
    "flows": {"library", "blocks", "tasks", "flows"},
}
HEAVY = (
    "cirq",
    "dask",
    "dimod",
    "distributed",
    "dwave",
    "matplotlib",
    "mitiq",
    "mthree",
    "pandas",
    "prefect_dask",
    "pyarrow",
    "pyscf",
    "qiskit_aer",
    "qiskit_ibm_runtime",
    "scipy.stats",
    "scs",
)


def layer(module: str) -> str:
    second = module.split(".")[1] if "." in module else ""
    return second if second in ALLOWED else "library"


def sources() -> list[tuple[str, Path]]:
    library = [path for path in (ROOT / "prefect_qpu").rglob("*.py") if not path.parent.is_symlink()]
    top = [path for folder in ("blocks", "tasks", "flows") for path in (ROOT / folder).rglob("*.py")]
    return [(name_of(path), path) for path in sorted({*library, *top}) if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "prefect_qpu" else ("prefect_qpu", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(("module", "path"), sources(), ids=[name for name, _ in sources()])
def test_a_module_imports_only_from_its_own_layer_and_those_below(module: str, path: Path) -> None:
    used = {layer(name) for name in imports(path) if name.startswith("prefect_qpu.")}
    assert used <= ALLOWED[layer(module)]


@pytest.mark.parametrize(("module", "path"), sources(), ids=[name for name, _ in sources()])
def test_the_library_never_imports_prefect(module: str, path: Path) -> None:
    if layer(module) == "library":
        assert not {name for name in imports(path) if name.split(".")[0] == "prefect"}


@pytest.mark.parametrize("folder", ["blocks", "tasks", "flows"])
def test_a_top_level_folder_is_linked_into_the_package(folder: str) -> None:
    link = ROOT / "prefect_qpu" / folder
    assert link.is_symlink()
    assert link.readlink() == Path("..") / folder


def test_only_the_designed_packages_stand_at_the_top() -> None:
    packages = {path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert packages <= {"prefect_qpu", "blocks", "tasks", "flows", "tests", "benchmarks"}


@pytest.mark.parametrize(
    "module",
    [
        "prefect_qpu",
        "prefect_qpu.experiment",
        "prefect_qpu.mitigation",
        "prefect_qpu.records",
        "prefect_qpu.remitigate",
        "prefect_qpu.flows.cli",
        "prefect_qpu.flows.hybrid_run",
        "prefect_qpu.flows.mitigation_benchmark",
        "prefect_qpu.flows.sweep",
        "prefect_qpu.planning",
        "prefect_qpu.sweeps",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("package", "only"), [("mitiq", "quasi_probability"), ("cirq", "quasi_probability"), ("mthree", "subspace")]
)
def test_an_optional_package_is_imported_in_one_module_only(package: str, only: str) -> None:
    users = {
        module for module, path in sources() if package in {name.split(".", maxsplit=1)[0] for name in imports(path)}
    }
    assert users == {f"prefect_qpu.mitigation.{only}"}


@pytest.mark.parametrize("path", sorted((ROOT / "tasks").glob("*.py")), ids=lambda path: path.stem)
def test_a_task_file_has_at_most_one_public_task(path: Path) -> None:
    tasks = [
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.AsyncFunctionDef)
        and any(isinstance(mark, ast.Call) and ast.unparse(mark.func) == "stage_task" for mark in node.decorator_list)
    ]
    assert tasks in ([path.stem], [])
