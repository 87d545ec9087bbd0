"""What the runs of a night make of the regressions that were open before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.github.nightly import Kept, Since, night, read, written
from perf.github.summary import Summary, read_summary
from perf.stats import Verdict
from tests.perf.github.written import HEAD, compared, summary_of
from tests.support.any_results import untimed

BEFORE = {"process/a": Since("2026-11-20", "abc1234")}


def run(verdicts: dict[str, Verdict], runtime: str = "process") -> Summary:
    """Return the summary of a run with these verdicts by the names of the scenarios."""
    results = [compared(name, verdict) for name, verdict in verdicts.items()]
    return read_summary(summary_of(*results, runtime=runtime))


def test_what_regressed_is_open_since_that_night() -> None:
    """Each runtime is on its own."""
    found = night(
        {}, [run({"a": Verdict.REGRESSED}), run({"a": Verdict.UNCHANGED}, "docker")]
    )
    assert found.current == {"process/a": Since("2026-11-27", HEAD)}
    assert found.begun == ["process/a"]
    assert found.recovered == []


def test_what_stays_red_keeps_its_date() -> None:
    """It is not told again."""
    found = night(BEFORE, [run({"a": Verdict.REGRESSED, "b": Verdict.UNCHANGED})])
    assert found.current == BEFORE
    assert (found.begun, found.recovered) == ([], [])


@pytest.mark.parametrize("verdict", [Verdict.UNCHANGED, Verdict.IMPROVED])
def test_what_was_found_good_has_recovered(verdict: Verdict) -> None:
    """Nothing of it is open any more."""
    found = night(BEFORE, [run({"a": verdict})])
    assert found.current == {}
    assert found.recovered == ["process/a"]


@pytest.mark.parametrize(
    "verdict", [Verdict.INCONCLUSIVE, Verdict.INVALID, Verdict.NO_BASELINE]
)
def test_what_was_not_found_good_stays_open(verdict: Verdict) -> None:
    """Too little evidence is never a pass; the same holds where nothing was measured."""
    for summaries in ([run({"a": verdict})], [run({"a": Verdict.UNCHANGED}, "docker")], []):
        found = night(BEFORE, summaries)
        assert found.current == BEFORE
        assert (found.begun, found.recovered) == ([], [])


def test_of_two_results_the_worse_one_counts() -> None:
    """A scenario can be measured in two families in one night."""
    good, bad, none = (
        run({"a": one})
        for one in (Verdict.UNCHANGED, Verdict.REGRESSED, Verdict.NO_BASELINE)
    )
    for summaries in ([good, bad], [bad, good], [none, bad]):
        assert night(BEFORE, summaries).current == BEFORE
    for summaries in ([good, none], [none, good]):
        assert night(BEFORE, summaries).current == {}


@pytest.mark.parametrize("verdict", [Verdict.INVALID, Verdict.INCONCLUSIVE])
def test_a_good_result_does_not_hide_doubt(verdict: Verdict) -> None:
    """What one family found unchanged and another one left open has not recovered."""
    good, doubt, bad = (
        run({"a": one}) for one in (Verdict.UNCHANGED, verdict, Verdict.REGRESSED)
    )
    for summaries in ([good, doubt], [doubt, good]):
        found = night(BEFORE, summaries)
        assert (found.current, found.recovered) == (BEFORE, [])
        assert found.measured["process/a"].outcome.judgement.verdict is verdict
    for summaries in ([bad, doubt], [doubt, bad]):
        assert night({}, summaries).begun == ["process/a"]


names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True)
keys = st.tuples(names, names).map("/".join)
sinces = st.builds(Since, names | st.just(""), names | st.just(""))


@untimed
@given(
    st.dictionaries(keys, sinces, max_size=5),
    st.integers(min_value=0, max_value=2**63 - 1),
    st.text(max_size=20),
)
def test_what_is_written_is_read_again(
    regressions: dict[str, Since], run_id: int, text: str
) -> None:
    """It takes one line, wherever that line stands."""
    line = written(regressions, run_id)
    assert "\n" not in line
    assert read(f"{line}\n{text}") == Kept(regressions, run_id)
    assert read(f"edited by hand\r\n{line}\r\n{text}") == Kept(regressions, run_id)


def test_a_line_without_a_run_is_read() -> None:
    """Issues that were opened before runs were kept go on."""
    line = '<!-- serving-perf: regressions {"process/a": ["2026-11-20", "abc1234"]} -->'
    assert read(line) == Kept(BEFORE, 0)


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "{",
        "{x}",
        '{"a": 1}',
        '{"a": ["2026-11-20"]}',
        '{"process/a": ["2026-11-20", "abc", "x"]}',
        '{"process/a": ["2026-11-20", 7]}',
        '{"process/<b>": ["2026-11-20", "abc"]}',
        '{"process/a": ["@all", "abc"]}',
    ],
)
def test_a_damaged_line_is_no_line(kept: str) -> None:
    """Nothing that someone wrote into it is used."""
    assert read(f"<!-- serving-perf: regressions {kept} -->") is None
