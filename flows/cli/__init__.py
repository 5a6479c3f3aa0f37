"""The command line `prefect-qpu`: thin over the library and the flows.

Exit codes: 0 an answer (also a labelled fallback), 1 failed, 2 bad input, 3 held, or rejected without fallback.
"""

import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from cyclopts import App, CycloptsError, UnusedCliTokensError

from prefect_qpu.errors import InputError, QpuError, RecordNotFoundError, StoreSchemaError
from prefect_qpu.flows.cli.compare import compare
from prefect_qpu.flows.cli.emulator import emulator
from prefect_qpu.flows.cli.mitigation_benchmark import mitigation_benchmark
from prefect_qpu.flows.cli.output import complain
from prefect_qpu.flows.cli.plan import plan
from prefect_qpu.flows.cli.records import database, replay, report, runs, show
from prefect_qpu.flows.cli.remitigate import remitigate
from prefect_qpu.flows.cli.run import run, schema, validate
from prefect_qpu.flows.cli.sweep import points, remeasure, sweep

OK, FAILED, BAD_INPUT, NO_ANSWER, INTERRUPTED = 0, 1, 2, 3, 130

app = App(
    name="prefect-qpu",
    help="Quantum experiments from simulator to QPU and back: recorded, replayable, compared.",
    help_format="plaintext",
    version=lambda: version("prefect-qpu"),
    result_action="return_value",
)
commands: tuple[Callable[..., Any], ...] = (
    run,
    validate,
    plan,
    runs,
    show,
    report,
    compare,
    replay,
    remitigate,
    mitigation_benchmark,
    sweep,
    points,
    remeasure,
    schema,
    emulator,
)
for place, command in enumerate(commands):
    app.command(command, sort_key=place)
app.command(database)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(execute(arguments))


def execute(arguments: list[str] | None = None) -> int:
    """The exit code of a command."""
    try:
        code = app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        complain(_usage(error))
        return BAD_INPUT
    except (InputError, RecordNotFoundError, StoreSchemaError) as error:
        complain(error)
        return BAD_INPUT
    except QpuError as error:
        complain(error)
        return FAILED
    except KeyboardInterrupt:
        complain("interrupted; what is stored can be continued or shown")
        return INTERRUPTED
    return code if isinstance(code, int) else OK


def _usage(error: CycloptsError) -> str:
    """What is wrong with the arguments, and where they are explained."""
    if isinstance(error, UnusedCliTokensError):
        told = f"got {' '.join(error.unused_tokens or ())!r}, expected no further argument."
    else:
        told = str(error)
    return f"{told} See: {' '.join(('prefect-qpu', *(error.command_chain or ())))} --help"
