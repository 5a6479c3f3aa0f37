"""Build the wheel, install it in a fresh environment, and import every module from there."""

import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALLOWED_TOP_LEVEL = "prefect_qpu"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        wheel = build(scratch / "dist")
        modules = modules_in(wheel)
        python = install(wheel, scratch / "venv")
        subprocess.run([python, "-c", import_all(modules)], check=True, cwd=scratch)
        subprocess.run([python.parent / "prefect-qpu", "--help"], check=True, cwd=scratch, stdout=subprocess.DEVNULL)
    print(f"{wheel.name}: {len(modules)} modules import from a plain install")


def build(folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def modules_in(wheel: Path) -> list[str]:
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    strangers = {name.parts[0] for name in names} - {ALLOWED_TOP_LEVEL}
    assert not strangers, f"the wheel claims {strangers}"
    found = [name.with_suffix("") for name in names if name.suffix == ".py" and "migrations" not in name.parts]
    shipped = {str(name) for name in names if name.suffix != ".py"}
    missing = {path for path in data_files() if path not in shipped}
    assert not missing, f"the wheel lacks {missing}"
    return [".".join(name.parts).removesuffix(".__init__") for name in found if name.name != "__main__"]


def data_files() -> list[str]:
    """Templates, styles and scripts of the package, as paths in the wheel."""
    kinds = {".css", ".html", ".js", ".mako", ".typed"}
    return [str(path.relative_to(ROOT)) for path in (ROOT / ALLOWED_TOP_LEVEL).rglob("*") if path.suffix in kinds]


def install(wheel: Path, folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *constraints, str(wheel)], check=True)
    return python


def import_all(modules: list[str]) -> str:
    return f"import importlib\nfor name in {modules!r}: importlib.import_module(name)"


if __name__ == "__main__":
    main()
