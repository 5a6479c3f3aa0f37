"""What a vendor exports that wants a token: here it opens a fake device."""

from importlib import import_module
from typing import Any


def labelled(source: str, token: str) -> Any:
    """The backend at an import path, for those who have a token."""
    assert token == "hunter2-is-no-token"
    module, _, name = source.partition(":")
    return getattr(import_module(module), name)()
