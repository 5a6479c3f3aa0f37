"""What a run found, as one self-contained HTML page and as figures for Prefect artifacts.

Importing this package loads neither matplotlib nor Jinja2; drawing and rendering do.
"""

from prefect_qpu.reports.figures import comparison_figure
from prefect_qpu.reports.page import render_report, write_report
from prefect_qpu.reports.style import data_uri

__all__ = ["comparison_figure", "data_uri", "render_report", "write_report"]
