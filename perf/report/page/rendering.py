"""Makes the page: joins what it shows with the templates beside this file."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from perf.report.page.model import page_of
from perf.report.run import RunResults

_FOLDER = Path(__file__).parent
_STYLE, _SCRIPT = "style.css", "script.js"


def render(run: RunResults) -> str:
    """Return the page, with a newline at its end."""
    return fill("page.html.jinja", page=page_of(run))


def fill(name: str, **values: object) -> str:
    """Return a page made of the template `name` and its values."""
    template = _environment().get_template(name)
    return template.render(policy=_policy(), **values) + "\n"


@cache
def _environment() -> Environment:
    """Return what compiles the templates.

    Names and messages of other programs reach the page, so everything is escaped. The
    usual `select_autoescape` would not do: it goes by the end of a template's name.
    """
    return Environment(
        loader=FileSystemLoader([_FOLDER, _FOLDER.with_name("trend")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _policy() -> str:
    """Return the page's content security policy: its own style and script, nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(_STYLE)}'",
            f"script-src '{_digest(_SCRIPT)}'",
            "img-src data:",  # the empty icon, which keeps browsers from asking for one
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(name: str) -> str:
    """Return the hash of a file as the page holds it: without the newline at its end."""
    text = (_FOLDER / name).read_text("utf-8").removesuffix("\n")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
