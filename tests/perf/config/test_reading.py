"""No option is left unread."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from fixtures.options import add_options
from perf.config.options import Options, argument
from perf.config.reading import read_settings


class _Group:
    """Stands in for pytest's parser and its group, and keeps the names of the options."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def getgroup(self, _name: str) -> _Group:
        return self

    def addoption(self, _flag: str, *, dest: str, **_more: object) -> None:
        self.names.append(dest.removeprefix("perf_"))


# A value that each option may have, where 1 will not do.
_VALUES: dict[str, object] = {
    "profile": "smoke",
    "family": [],
    "model": "resnet18",
    "weights": "seeded",
    "runtime": "process",
    "device": "cpu",
    "confirm": "never",
    "against": "v1.4",
    "sweep": "torchserve",
    "arrivals": "poisson",
    "budget": 0.5,
    "turn": 0.25,
    "docker_cpus": 1.5,
    **dict.fromkeys(("limits", "require_baseline"), True),
    **dict.fromkeys(("cache", "reports", "docker_base", "docker_memory"), "x"),
    "port": 8080,
}


@pytest.mark.parametrize("row", ["decentralized", "serving-batch"])
def test_every_option_is_read(row: str, tmp_path: Path) -> None:
    """Whatever the row, the reader knows each option that the suite has.

    A run side by side is refused where the other tree does not know an option.
    """
    (tmp_path / "one.jpg").touch()
    group = _Group()
    add_options(cast("pytest.Parser", group))
    folders = {"images": str(tmp_path), "docker_wheels": str(tmp_path)}
    known = {**dict.fromkeys(group.names, 1), **_VALUES, **folders, "scenario": [row]}
    options = Options(known)
    assert set(options.unknown) == {argument(name) for name in known if known[name]}
    settings = read_settings(options, tmp_path)
    assert options.unknown == ()
    assert [one.name for one in settings.scenarios] == [row]
    assert (settings.budget_s, settings.amounts_asked) == (30.0, True)
    newer = Options({**known, "newer": "x"})
    read_settings(newer, tmp_path)
    assert newer.unknown == ("--perf-newer",)
