"""The command line `prefect-qpu`: thin over the library and the flows.

Exit codes: 0 an answer (also a labelled fallback), 1 failed, 2 bad input, 3 held, or rejected without fallback.
"""

import sys

from cyclopts import App, CycloptsError

from prefect_qpu.errors import InputError, QpuError, RecordNotFoundError, StoreSchemaError
from prefect_qpu.flows.cli.output import complain
from prefect_qpu.flows.cli.records import database, replay, report, runs, schema, show
from prefect_qpu.flows.cli.run import run, validate

OK, FAILED, BAD_INPUT, NO_ANSWER = 0, 1, 2, 3

app = App(
    name="prefect-qpu",
    help="Quantum experiments from simulator to QPU and back: recorded, replayable, compared.",
    result_action="return_value",
)
for command in (run, validate, runs, show, report, replay, schema):
    app.command(command)
app.command(database, name="db")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(execute(arguments))


def execute(arguments: list[str] | None = None) -> int:
    """The exit code of a command."""
    try:
        code = app(arguments, exit_on_error=False, print_error=True)
    except CycloptsError:
        return BAD_INPUT
    except (InputError, RecordNotFoundError, StoreSchemaError) as error:
        complain(error)
        return BAD_INPUT
    except QpuError as error:
        complain(error)
        return FAILED
    return code if isinstance(code, int) else OK
