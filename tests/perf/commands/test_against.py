"""The command that measures side by side: its usage."""

from __future__ import annotations

import pytest

from perf.commands.against import main


@pytest.mark.parametrize("arguments", [[], [""], ["--perf-scenario", "serving-batch"]])
def test_the_other_tree_comes_first(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it, or where it is empty, nothing is run, and one line shows the usage."""
    assert main(arguments) == 4
    assert capsys.readouterr().err == "usage: tox -e against -- REF [pytest's options]\n"
