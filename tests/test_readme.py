"""What README and docs say exists: files, commands, make targets, keys of experiments; and the examples run."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from prefect_qpu.experiment import Experiment
from prefect_qpu.flows.cli import execute
from prefect_qpu.latency import OPTIONS, PILOT, PRIMARY
from prefect_qpu.mitigation import METHODS
from prefect_qpu.records.schema import Base
from prefect_qpu.stages import fallback, smoke_test
from prefect_qpu.statistics import Verdict
from prefect_qpu.workloads import workload_class, workload_kinds

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "deployments/README.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.DOTALL)


def commands(program: str) -> list[list[str]]:
    """Every command line of a program on all pages, in blocks and in the text."""
    lines = [line for page in PAGES for block in blocks(page, "console") for line in block.splitlines()]
    lines += [code for page in PAGES for code in re.findall(r"`([^`\n]+)`", page.read_text())]
    found = [line.partition("  #")[0] for line in lines]
    return [
        shlex.split(line.partition(f"{program} ")[2]) for line in found if re.match(rf"(\S+=\S+ )*{program} ", line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_leads_to_a_file(page: Path) -> None:
    text = page.read_text()
    targets = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    local = [target.partition("#")[0] for target in targets if "://" not in target]
    assert [target for target in local if target and not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_of_the_project_that_is_named_exists(page: Path) -> None:
    folders = "blocks|deployments|docs|examples|flows|prefect_qpu|tasks|tests"
    named = re.findall(rf"(?<![\w/.~-])((?:{folders})/[\w./-]*[\w/])", page.read_text())
    assert [path for path in named if not (ROOT / path).exists() and not (page.parent / path).exists()] == []


@pytest.mark.parametrize("arguments", commands("prefect-qpu"), ids=" ".join)
def test_every_command_with_its_options_exists(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in arguments if re.fullmatch(r"[a-z]+(-[a-z]+)*", word)]
    command = words[:2] if words[0] == "db" else words[:1]
    assert execute([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert [word for word in arguments if word.startswith("--") and word not in shown] == []


@pytest.mark.parametrize("arguments", commands("make"), ids=" ".join)
def test_every_make_target_exists(arguments: list[str]) -> None:
    assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_the_experiment_of_the_readme_is_the_example() -> None:
    shown, *_ = blocks(ROOT / "README.md", "yaml")
    assert yaml.safe_load(shown) == yaml.safe_load((ROOT / "examples/ghz.yaml").read_text())


def test_the_deployed_experiments_are_the_examples() -> None:
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    runs = [item for item in deployed if item["entrypoint"].endswith("hybrid_run")]
    for deployment, example in zip(runs, ("ghz", "maxcut", "hardware"), strict=True):
        data = yaml.safe_load((ROOT / f"examples/{example}.yaml").read_text())
        assert Experiment.parse(deployment["parameters"]["experiment"]) == Experiment.parse(
            data, base=ROOT / "examples"
        )


@pytest.mark.parametrize(
    "block", blocks(ROOT / "CONTRIBUTING.md", "python") + blocks(ROOT / "docs/blocks.md", "python")
)
def test_every_short_example_imports_what_there_is(block: str) -> None:
    imports = "\n".join(line for line in block.splitlines() if line.startswith(("from ", "import ")))
    exec(imports, {})


def keys_of(schema: dict[str, Any]) -> set[str]:
    """The names of all fields in a JSON schema."""
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}


@pytest.mark.parametrize(
    "model", [Experiment, *map(workload_class, sorted(workload_kinds()))], ids=lambda model: model.__name__
)
def test_every_key_of_an_experiment_is_explained(model: type[Any]) -> None:
    text = (ROOT / "docs/experiment-file.md").read_text()
    assert {name for name in keys_of(model.model_json_schema()) if f"`{name}`" not in text} == set()


def test_every_generator_of_graphs_is_explained() -> None:
    from prefect_qpu.workloads import graph_generators

    text = (ROOT / "docs/experiment-file.md").read_text()
    families = [
        model
        for model in vars(graph_generators).values()
        if isinstance(model, type)
        and issubclass(model, graph_generators.Generator)
        and model is not graph_generators.Generator
    ]
    assert families
    for family in families:
        (name,) = get_args(family.model_fields["generator"].annotation)
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        own = set(family.model_fields) - {"generator", "weights"}
        assert {field for field in own if f"`{field}`" not in row} - {"seed"} == set()


def test_every_criterion_of_the_gate_is_explained() -> None:
    source = "".join(path.read_text() for path in (ROOT / "prefect_qpu/gate").glob("[!_]*.py"))
    names = set(re.findall(r'"((?:[a-z]+_)+[a-z]+)"', source)) - {"on_doubt", "shots_needed"}
    assert len(names) >= 7
    headings = " ".join(re.findall(r"^### (.*)$", (ROOT / "docs/gate.md").read_text(), flags=re.MULTILINE))
    assert {name for name in names if name not in headings} == set()
    assert all(verdict in (ROOT / "docs/gate.md").read_text() for verdict in Verdict)


def test_every_table_of_the_store_is_explained() -> None:
    text = (ROOT / "docs/records.md").read_text()
    assert {name for name in Base.metadata.tables if f"| `{name}` |" not in text} == set()


def test_every_role_of_a_submission_is_explained() -> None:
    text = (ROOT / "docs/records.md").read_text()
    roles = {PRIMARY, PILOT, OPTIONS, fallback.ROLE, *smoke_test.IDEAL_ROLES, *smoke_test.NOISE_ROLES}
    assert {role for role in roles if f"`{role}`" not in text} == set()


def test_every_room_of_the_library_is_told() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    paths = [path for path in (ROOT / "prefect_qpu").iterdir() if not path.is_symlink() and path.name[0] not in "_."]
    rooms = {path.stem for path in paths if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert {room for room in rooms if f"`{room}`" not in text} == set()


def test_every_mitigation_method_is_explained() -> None:
    for page in ("experiment-file", "mitigation"):
        text = (ROOT / f"docs/{page}.md").read_text()
        assert {method for method in METHODS if f"`{method}`" not in text} == set()


@pytest.mark.server
@pytest.mark.slow
async def test_the_flow_of_the_readme_runs(
    prefect_server: None, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_QPU_STORE", store_url)
    (source,) = [block for block in blocks(ROOT / "README.md", "python") if "@flow" in block]
    (tmp_path / "readme_flow.py").write_text(source)
    spec = importlib.util.spec_from_file_location("readme_flow", tmp_path / "readme_flow.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    values = await module.compare_devices(str(ROOT / "examples/ghz.yaml"), ["FakeManilaV2", "FakeLimaV2"])
    assert set(values) == {"FakeManilaV2", "FakeLimaV2"}
    assert all(0.5 < value < 1 for value in values.values())
