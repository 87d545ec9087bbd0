"""Write the generated parts of docs/reference.md.

    python docs/generate.py           write them
    python docs/generate.py --check   write nothing; exit 1 if they are not up to date

Each part stands between two markers, `<!-- begin NAME -->` and `<!-- end NAME -->`. All
other text of the page is written by hand.
"""

from __future__ import annotations

import argparse
import configparser
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tabulate import tabulate

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference.md"
sys.path.insert(0, str(ROOT))

from fixtures.options import add_options  # noqa: E402 -- needs the path set above
from perf.config.table import Table  # noqa: E402 -- needs the path set above
from perf.judge.judgement import passes  # noqa: E402 -- needs the path set above
from perf.stats import Verdict  # noqa: E402 -- needs the path set above

_GROUP = "serving performance"
# Columns of the table of scenarios; the last one has all other fields that a row sets.
_COLUMNS = (
    "name",
    "family",
    "arm",
    "backend",
    "engine",
    "workers",
    "batch_size",
    "jobs",
    "tolerance",
)
_SERVED_ONLY = ("backend", "engine", "batch_size")
# Settings that nearly every served row repeats.
_USUAL = {"batch_delay_ms": 100}


def options() -> str:
    """Return the table of the suite's command-line options."""
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    groups = parser._groups  # noqa: SLF001 -- pytest has no public way to list them
    (group,) = [group for group in groups if group.name == _GROUP]
    rows = [
        [_code(_typed(option.names(), option.attrs())), option.attrs()["help"]]
        for option in group.options
    ]
    return _table(["option", "meaning"], rows)


def scenarios() -> str:
    """Return the table of the rows of perf/scenarios.toml."""
    rows = []
    for scenario in Table.read().scenario:
        fields = scenario.flat()
        given = scenario.model_fields_set | scenario.server.model_fields_set
        cells = _scenario_cells(fields, served=scenario.kind.served)
        rows.append(
            [*cells, _other({name: fields[name] for name in fields if name in given})]
        )
    heads = [name.replace("_", " ") for name in _COLUMNS]
    return _table(["scenario", *heads[1:], "other settings"], rows)


def profiles() -> str:
    """Return the table of the profiles of perf/scenarios.toml."""
    profile_of = Table.read().profile
    fields = next(iter(profile_of.values())).model_dump(mode="json")
    rows = [
        [_code(name), *(_shown(getattr(profile, field)) for field in fields)]
        for name, profile in profile_of.items()
    ]
    return _table(["profile", *(_code(field) for field in fields)], rows)


def environments() -> str:
    """Return the table of the tox environments that tox.ini names."""
    start = "testenv:"
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "tox.ini", encoding="utf-8")
    rows = [
        [_code(f"tox -e {section.removeprefix(start)}"), config[section]["description"]]
        for section in config.sections()
        if section.startswith(start)
    ]
    return _table(["command", "description"], rows)


def verdicts() -> str:
    """Return the table of verdicts and the exit codes that they lead to."""
    rows = [
        [_code(verdict), *(_exit_code(verdict, required=asked) for asked in (False, True))]
        for verdict in Verdict
    ]
    return _table(["verdict", "exit code", "with `--perf-require-baseline`"], rows)


PARTS: Mapping[str, Callable[[], str]] = {
    part.__name__: part for part in (options, scenarios, profiles, environments, verdicts)
}


def generated(text: str) -> str:
    """Return the page `text` with every part written anew.

    Raises ValueError unless the page has the markers of each part exactly once.
    """
    for name, part in PARTS.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"docs/reference.md: the markers of {name} must stand once")
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{part()}\n\n{end}{after}"
    return text


def main(arguments: Sequence[str]) -> int:
    """Write the page, or check it; return the exit code."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the docs.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    chosen = parser.parse_args(arguments)
    old = PAGE.read_text("utf-8")
    new = generated(old)
    if new == old:
        return 0
    if chosen.check:
        sys.stderr.write("docs/reference.md is not up to date: python docs/generate.py\n")
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


def _typed(names: Sequence[str], attributes: Mapping[str, Any]) -> str:
    """Return an option as a user types it, with the name of its value."""
    return " ".join(filter(None, (*names, attributes.get("metavar"))))


def _scenario_cells(fields: Mapping[str, object], *, served: bool) -> Iterator[str]:
    for name in _COLUMNS:
        value = fields[name] if served or name not in _SERVED_ONLY else None
        yield _code(value) if name == "name" else _shown(value)


def _other(given: Mapping[str, object]) -> str:
    rest = {
        name: value
        for name, value in given.items()
        if name not in _COLUMNS and _USUAL.get(name) != value
    }
    return ", ".join(f"{name} {_shown(value)}" for name, value in rest.items())


def _exit_code(verdict: Verdict, *, required: bool) -> str:
    return "0" if passes(verdict, baseline_required=required) else "1"


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _code(value: object) -> str:
    return f"`{value}`"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)
    # Short lines are easier to compare in a diff than aligned columns.
    short = (re.sub(r" {2,}", " ", line) for line in lines.splitlines())
    return "\n".join(re.sub(r":?-{3,}:?", "---", line) for line in short)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
