"""Every figure of a scenario. To add one, add a `Figure` to one of these files.

Both tables and summary.json follow from it, in this order. Then write the JSON Schema
again with `python -m perf.report.schema`; a test fails until that is done.
"""

from typing import Any

from perf.report.figures import judged, measured, used
from perf.report.figures.base import Figure

FIGURES: tuple[Figure[Any], ...] = (*measured.FIGURES, *judged.FIGURES, *used.FIGURES)

DESCRIPTIONS = {**measured.DESCRIPTIONS, **used.DESCRIPTIONS}
"""What the JSON Schema says of the objects that hold several figures."""
