"""Command `emulator`: a local service that the genuine IBM Quantum client can rehearse on."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def emulator(
    *,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on; 0 takes a free one.")] = 8765,
    folder: Annotated[Path | None, Parameter(help="Where jobs are kept; else in the home folder.")] = None,
    device: Annotated[
        list[str], Parameter(negative="", help="A fake device, for example torino; may be repeated.")
    ] = [],  # noqa: B006 - read only
    instance: Annotated[list[str], Parameter(negative="", help="Name of a service instance; may be repeated.")] = [],  # noqa: B006 - read only
    keys: Annotated[Path | None, Parameter(help="File of lines user:key; else every API key is a user.")] = None,
    admin_token: Annotated[str | None, Parameter(help="Bearer token of the admin interface; else it is open.")] = None,
    changes: Annotated[
        list[str], Parameter(name="--set", negative="", help="A setting, for example queue_s=120; may be repeated.")
    ] = [],  # noqa: B006 - read only
) -> None:
    """Serve the IBM Quantum REST protocol over simulators, until interrupted."""
    from prefect_qpu.emulator.serve import main

    main(
        host=host,
        port=port,
        folder=folder,
        device=device,
        instance=instance or ("emulator",),
        keys=keys,
        admin_token=admin_token,
        changes=changes,
    )
