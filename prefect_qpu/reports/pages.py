"""What all HTML pages share: their templates and style, and how a page comes to its place."""

import os
import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

_HERE = Path(__file__).parent


@cache
def style() -> str:
    """The style sheet of all pages."""
    return (_HERE / "page.css").read_text(encoding="utf-8")


@cache
def template(name: str) -> "Template":
    """A template of this package by its file name; it has the style sheet as ``css``, and escapes what it is given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["css"] = style()
    return environment.get_template(name)


def write_page(target: Path, page: str) -> Path:
    """The path, where the page now stands; whoever reads it meets the old page or the new one.

    Raises:
        OSError: the page cannot be written there; a page that was there before is left as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    try:
        draft.write_text(page, encoding="utf-8")
        os.replace(draft, target)  # noqa: PTH105  the call that is known to be atomic
    finally:
        draft.unlink(missing_ok=True)
    return target
