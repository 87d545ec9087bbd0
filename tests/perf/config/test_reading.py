"""No option is left unread."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import pytest

from fixtures.options import add_options
from perf.config.options import Options, argument
from perf.config.reading import read_settings
from serving.errors import ConfigError


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
    **dict.fromkeys(("cache", "reports", "docker_base"), "x"),
    "docker_memory": "8g",
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


_USUAL = {"profile": "smoke", "weights": "seeded", "runtime": "auto", "device": "cpu"}


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("much", "not a size"),
        ("0", "not a size"),
        ("-1g", "not a size"),
        ("5m", "least 6m"),
        ("infg", "not a size"),
        ("nang", "not a size"),
    ],
)
def test_a_limit_that_no_container_can_have_is_refused(
    size: str, said: str, tmp_path: Path
) -> None:
    """Before an image is built for it, which takes minutes."""
    with pytest.raises(ConfigError, match=f"^--perf-docker-memory {size}: .*{said}"):
        read_settings(Options({**_USUAL, "docker_memory": size}), tmp_path)


def test_a_bad_folder_is_named_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the option, or by the variable where there is no option."""
    monkeypatch.setenv("PERF_DOCKER_WHEELS", "/nowhere")
    with pytest.raises(
        ConfigError, match=r"^PERF_DOCKER_WHEELS /nowhere: there is no such"
    ):
        read_settings(Options(_USUAL), tmp_path)
    given = Options({**_USUAL, "docker_wheels": "/none"})
    with pytest.raises(ConfigError, match=r"^--perf-docker-wheels /none: there is no such"):
        read_settings(given, tmp_path)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("gone.jpg", "/gone.jpg: No such file or directory"),
        ("b.jpg", ": (a link in it has no end|Too many levels of symbolic links)"),
    ],
)
def test_a_link_to_nowhere_is_not_passed_over(
    tmp_path: Path, target: str, said: str
) -> None:
    """It was meant as an image: one line names it."""
    (tmp_path / "a.jpg").touch()
    (tmp_path / "folder").mkdir()
    settings = read_settings(Options({**_USUAL, "images": str(tmp_path)}), tmp_path)
    assert [path.name for path in settings.images] == ["a.jpg"]
    (tmp_path / "b.jpg").symlink_to(tmp_path / target)
    with pytest.raises(ConfigError, match=f"^--perf-images {tmp_path}.*{said}$"):
        read_settings(Options({**_USUAL, "images": str(tmp_path)}), tmp_path)


@pytest.mark.parametrize("option", ["model", "docker_wheels"])
def test_a_path_that_is_too_long_is_refused(tmp_path: Path, option: str) -> None:
    """The system's own error is told, behind the option."""
    given = Options({**_USUAL, option: f"{'x' * 300}.pt"})
    name = option.replace("_", "-")
    with pytest.raises(ConfigError, match=f"^--perf-{name} x+.pt: File name too long$"):
        read_settings(given, tmp_path)


def test_a_cache_that_is_a_loop_of_links_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the folder is used, where Python resolves such a link."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("PERF_CACHE", str(tmp_path / "loop"))
    if sys.version_info < (3, 13):
        with pytest.raises(ConfigError, match=r"^--perf-cache .*/loop: it cannot be used"):
            read_settings(Options(_USUAL), tmp_path)
