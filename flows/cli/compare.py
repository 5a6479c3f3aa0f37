"""The command `compare`: the comparisons of many runs as one table."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from prefect_qpu.errors import InputError
from prefect_qpu.flows.cli import output
from prefect_qpu.flows.cli.options import StoreUrl


def compare(
    *,
    name: Annotated[str | None, Parameter(help="Only runs of experiments of this name.")] = None,
    limit: Annotated[int, Parameter(validator=Number(gte=1), help="How many runs, newest first.")] = 1000,
    stability: Annotated[
        bool, Parameter(negative="", show_default=False, help="One row for all repeats of an execution instead.")
    ] = False,
    format: Annotated[  # noqa: A002 - the name of the option
        Literal["csv", "json", "parquet"], Parameter(help="Form of the table.")
    ] = "csv",
    file: Annotated[Path | None, Parameter(help="Where to write it; else it is printed. Parquet needs one.")] = None,
    store: StoreUrl = None,
) -> None:
    """Print or write what was measured and what it cost, one row for each compared run, with units in the columns."""
    from prefect_qpu import frames
    from prefect_qpu.records import RecordStore

    if format == "parquet" and file is None:
        raise InputError("--file", given=None, expected="where to write the Parquet file")
    with RecordStore.open(store, create=False) as opened:
        table = frames.comparisons(opened, name=name, limit=limit)
    content = frames.written(frames.stability(table) if stability else table, format)
    if file is None:
        output.answer(content.decode().rstrip("\n"))
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        expected = "a file that can be written"
        raise InputError("--file", given=str(file), expected=expected, hint=f"{error.strerror}.") from error
