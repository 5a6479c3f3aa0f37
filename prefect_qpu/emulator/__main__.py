"""``python -m prefect_qpu.emulator``: serve with options from the command line."""

import argparse
import sys
from pathlib import Path
from typing import Any

from prefect_qpu.emulator.serve import HOST, PORT, main
from prefect_qpu.errors import InputError


def _options() -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m prefect_qpu.emulator", description=__doc__)
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=PORT, help="0 takes a free one")
    parser.add_argument("--folder", type=Path, help="where jobs are kept")
    parser.add_argument("--device", action="append", help="name of a snapshot, or name=snapshot; repeatable")
    parser.add_argument("--instance", action="append", help="name of a service instance; repeatable")
    parser.add_argument("--keys", type=Path, help="file of lines user:key")
    parser.add_argument("--admin-token", help="bearer token of the admin interface")
    parser.add_argument("--set", action="append", dest="changes", metavar="NAME=VALUE", help="a setting: queue_s=2")
    return {name: value for name, value in vars(parser.parse_args()).items() if value is not None}


if __name__ == "__main__":
    try:
        main(**_options())
    except InputError as error:
        sys.exit(f"error: {error}")
