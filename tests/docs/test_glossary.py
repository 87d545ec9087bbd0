"""docs/glossary.md explains every word that a reader of a report or a table meets."""

from __future__ import annotations

import re

from perf.config.table import Table
from perf.stats import Verdict
from tests.docs.pages import headings, section, text_of

GLOSSARY = text_of("docs/glossary.md")


def terms() -> list[str]:
    """Return the words of the glossary; a heading may hold several."""
    found = re.findall(r"^### (.+)$", GLOSSARY, re.MULTILINE)
    return [term for heading in found for term in heading.split(", ")]


def report_headings(text: str) -> set[str]:
    """Return the headings of all tables of the report in a page, of one line or two."""
    lines = text.splitlines()
    rules = [i for i, line in enumerate(lines) if re.match(r"^    -{5,}  -", line)]
    return {heading for rule_at in rules for heading in _headings_above(lines, rule_at)}


def _headings_above(lines: list[str], rule_at: int) -> set[str]:
    """Return the headings above the line of dashes at a place."""
    spans = [match.span() for match in re.finditer("-+", lines[rule_at])]
    top = max(i for i in range(rule_at) if not lines[i].strip()) + 1
    return {
        " ".join(line[begin:end].strip() for line in lines[top:rule_at]).strip()
        for begin, end in spans
    }


def test_each_word_stands_once() -> None:
    """No word has two explanations, and none is empty."""
    assert len(set(terms())) == len(terms())
    for part in re.split(r"\n#{2,3} ", GLOSSARY)[1:]:
        if part.partition("\n")[0] in terms():
            assert part.rstrip().endswith("."), part


def test_the_reports_headings_are_explained() -> None:
    """Each column of the README's report has its entry."""
    seen = report_headings(section(text_of("README.md"), "A report"))
    assert {"scenario", "ratio", "verdict", "peak memory"} <= seen
    assert seen <= set(terms())


def test_the_headings_of_scenario_tables_are_explained() -> None:
    """Each column of a table that lists scenarios has its entry."""
    seen: set[str] = set()
    for name in ("docs/results.md", "docs/reference.md"):
        for table in text_of(name).split("\n\n"):
            columns = headings(table)
            if columns and columns[0] == "scenario":
                seen |= set(columns)
    assert {"efficiency", "inference", "rest of the server", "backend"} <= seen
    everyday = {"other settings", "over the reference", "over the yardstick"}
    assert seen - everyday <= set(terms())


def test_the_codes_words_are_explained() -> None:
    """Every verdict, arm, and profile of the code is explained."""
    table = Table.read()
    arms = {row.arm for row in table.scenario}
    assert {*map(str, Verdict), *arms} <= set(terms())
    for name in (*table.profile, *(row.family for row in table.scenario)):
        assert f"`{name}`" in GLOSSARY, name
