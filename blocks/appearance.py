"""What all blocks show of themselves in the UI."""

from pydantic import HttpUrl

LOGO = HttpUrl("https://raw.githubusercontent.com/prefect-qpu/prefect-qpu/main/docs/images/logo.png")
DOCUMENTATION = HttpUrl("https://github.com/prefect-qpu/prefect-qpu/blob/main/docs/blocks.md")
