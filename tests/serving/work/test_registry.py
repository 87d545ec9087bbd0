"""The kinds of work that a row of the table can name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from serving.errors import ConfigError
from serving.work import WORKS, find_work


@pytest.mark.parametrize("name", sorted(WORKS))
def test_every_kind_offers_what_jobs_and_servers_use(name: str) -> None:
    """Its module has the content type and all functions that serving.work lists."""
    module = find_work(name).load()
    assert isinstance(module.CONTENT_TYPE, str)
    for function in ("make_batch", "answer", "label", "parse", "differs"):
        assert callable(getattr(module, function)), function


@pytest.mark.parametrize("name", sorted(WORKS))
def test_jobs_import_nothing_heavy_with_it(name: str) -> None:
    """Importing a kind of work does not import numpy, Pillow or torch."""
    work = find_work(name)
    code = (
        f"import sys, {work.module}; "
        "sys.exit(any(name in sys.modules for name in ('numpy', 'PIL', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_work_is_refused() -> None:
    """The error names the table and lists the known kinds."""
    with pytest.raises(ConfigError, match=r"work sorting: no such .*: .*classification"):
        find_work("sorting")
