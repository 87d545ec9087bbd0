"""Advice after a run without a baseline: what it says, and when it says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.judge.judgement import Judgement
from perf.report.advice import advice
from perf.report.formats import MARKDOWN, TERMINAL
from perf.report.result import ScenarioResult
from perf.report.run import RunResults
from perf.stats import Block, Estimate, Pair, Verdict
from tests.support.any_results import runs, untimed
from tests.support.pages import page_of
from tests.support.results import BATCH, LOCAL, run_of

MIB = 1024**2
_UNJUDGED = {Verdict.NO_BASELINE, Verdict.INVALID}


def measured(
    name: str, ratio: tuple[float, float, float], *, memory_mib: int = 1300
) -> ScenarioResult:
    """Return a served scenario of a run without a baseline; `ratio` is point, low, high."""
    point, low, high = ratio
    estimate = Estimate(point=point, low=low, high=high, confidence=0.95)
    return replace(
        BATCH,
        name=name,
        spec={"arm": "served", "workers": 1},
        judgement=Judgement(verdict=Verdict.NO_BASELINE, reason="none", ratio=estimate),
        usage=replace(BATCH.usage, peak_memory_bytes=memory_mib * MIB),
    )


FAST = measured("serving-batch", (4.8, 4.5, 5.1))
ALONE = replace(
    LOCAL,
    spec={"arm": "decentralized"},
    jobs=2,
    latencies_ms=(900.0, 916.0),
    judgement=Judgement(
        verdict=Verdict.NO_BASELINE, reason="none", ratio=Estimate(1.0, 0.9, 1.1, 0.95)
    ),
    usage=replace(LOCAL.usage, peak_memory_bytes=1010 * MIB),
)


def test_a_server_that_is_clearly_faster_is_advised() -> None:
    """The decision has its interval; what it costs has the reference beside it."""
    lines = advice([ALONE, FAST])
    assert lines[0] == (
        "Centralise: serving-batch answers 4.80 [4.50, 5.10] times as many images a second "
        "as jobs that each load the model (95 % confidence)."
    )
    assert lines[1] == (
        "Memory: at most 1.27 GiB with 24 jobs at a time, against 1010 MiB with 2 jobs at "
        "a time without a server."
    )
    assert lines[2] == (
        "Latency: p99 is 5212 ms with 24 jobs at a time, against 916 ms with 2 jobs at a "
        "time without a server; the more jobs at a time, the longer each waits."
    )
    assert lines[3].startswith(
        "What would change it: a server that loses more than 78 % of this throughput, or "
        "jobs that handle many images each"
    )


def test_without_the_references_row_its_blocks_are_told() -> None:
    """A scenario that was measured alone has the blocks of its reference."""
    reference = Block(2.0, memory_bytes=900.0 * MIB, p99_ms=800.0)
    pairs = tuple(Pair(Block(9.0), reference, launch) for launch in range(2))
    lines = advice([replace(FAST, pairs=pairs)])
    assert lines[1] == (
        "Memory: at most 1.27 GiB with 24 jobs at a time, against 900 MiB without a server."
    )
    assert "against 800 ms without a server;" in lines[2]


def test_servers_that_are_all_slower_are_not_advised() -> None:
    """The best of them is named, and what would change the decision."""
    slow = measured("slow", (0.7, 0.65, 0.75)), measured("slower", (0.5, 0.45, 0.55))
    first, *_, last = advice(slow)
    assert first.startswith(
        "Do not centralise: slow answers only 0.700 [0.650, 0.750] times"
    )
    assert last.startswith("What would change it: ")


def test_one_that_is_as_fast_and_needs_less_memory_is_named() -> None:
    """Not one that is slower, nor one that needs nearly as much."""
    fastest = measured("two", (4.9, 4.6, 5.2), memory_mib=2000)
    small = measured("small", (4.3, 3.9, 5.1), memory_mib=500)
    (line,) = [x for x in advice([fastest, FAST, small]) if "about as fast" in x]
    assert line == (
        "serving-batch is about as fast (4.80 [4.50, 5.10] times) and needs 1.27 GiB."
    )
    near = measured("near", (4.8, 4.5, 5.1), memory_mib=1900)
    assert not [x for x in advice([fastest, near]) if "about as fast" in x]
    unsure = measured("unsure", (4.8, 0.7, 9.0), memory_mib=500)
    little = measured("little", (4.8, 4.5, 5.1), memory_mib=500)
    other_kind = replace(little, usage=replace(little.usage, memory_kind="rss"))
    for one in (unsure, other_kind):
        assert not [x for x in advice([fastest, one]) if "about as fast" in x]


def test_memory_of_another_kind_is_not_compared() -> None:
    """PSS and RSS count a shared page differently."""
    rss = replace(ALONE, usage=replace(ALONE.usage, memory_kind="rss"))
    assert advice([rss, FAST])[1] == "Memory: at most 1.27 GiB with 24 jobs at a time."


def test_a_server_that_is_not_known_could_be_the_fastest() -> None:
    """Servers are not advised against while one is missing or invalid."""
    slow = measured("slow", (0.7, 0.65, 0.75))
    invalid = replace(slow, judgement=replace(slow.judgement, verdict=Verdict.INVALID))
    assert advice([slow])
    assert not advice([slow], missing=["serving-batch"])
    assert not advice([slow, invalid])
    assert advice([FAST], missing=["serving-batch"])


def test_jobs_that_keep_the_model_are_told_where_they_were_measured() -> None:
    """Otherwise the command that measures them is."""
    pool = replace(
        measured("decentralized-pool", (3.1, 3.0, 3.2)), spec={"arm": "decentralized-pool"}
    )
    command = "tox -e decentralized-pool measures such jobs."
    assert any(line.endswith(command) for line in advice([FAST]))
    lines = advice([FAST, pool])
    assert not any(command in line for line in lines)
    assert any("(decentralized-pool) answered 3.10 [3.00, 3.20] times" in x for x in lines)
    invalid = replace(pool, judgement=replace(pool.judgement, verdict=Verdict.INVALID))
    assert any(line.endswith(command) for line in advice([FAST, invalid]))


def test_one_launch_is_told() -> None:
    """Launches differ, so whoever decides should measure several."""
    pairs = tuple(replace(pair, launch=0) for pair in FAST.pairs)
    assert any("Only one launch" in x for x in advice([replace(FAST, pairs=pairs)]))
    assert not any("Only one launch" in x for x in advice([FAST]))


@pytest.mark.parametrize(
    "results",
    [
        [],
        [ALONE],
        [replace(FAST, pairs=FAST.pairs[:1])],
        [replace(FAST, disturbed=True)],
        [FAST, replace(ALONE, disturbed=True)],
        [measured("wide", (1.5, 0.9, 2.5))],
        [measured("hardly faster", (1.1, 1.01, 1.2))],
        [measured("slower", (0.8, 0.6, 1.01))],
        [measured("slower", (0.8, 0.7, 0.9)), measured("open", (0.9, 0.7, 1.1))],
        [replace(FAST, spec={"arm": "decentralized-pool"})],
        [replace(FAST, judgement=replace(FAST.judgement, verdict=Verdict.INVALID))],
        [FAST, BATCH],
    ],
    ids=[
        "nothing",
        "the reference alone",
        "one pair",
        "disturbed",
        "the reference disturbed",
        "faster or slower",
        "hardly faster",
        "slower or not",
        "one is open",
        "no server",
        "invalid",
        "judged",
    ],
)
def test_it_is_silent_where_the_evidence_is_thin(results: list[ScenarioResult]) -> None:
    """No format has a word of advice then."""
    assert advice(results) == []
    assert "dvice" not in TERMINAL.render(run_of(*results))
    assert "dvice" not in MARKDOWN.render(run_of(*results))
    assert page_of(*results).of("ul", **{"class": "advice"}) == []


ends = st.lists(st.floats(0.01, 100.0), min_size=3, max_size=3).map(sorted)


@untimed
@given(st.lists(ends, min_size=1, max_size=4))
def test_an_interval_that_contains_1_decides_nothing(found: list[list[float]]) -> None:
    """It says centralise only with an interval clearly above 1, or else clearly below."""
    results = [
        measured(f"s{n}", (point, low, high)) for n, (low, point, high) in enumerate(found)
    ]
    said = advice(results)
    is_faster = any(low > 1.05 for low, _, _ in found)
    is_slower = all(high < 1.0 / 1.05 for _, _, high in found)
    assert bool(said) == (is_faster or is_slower)
    if said:
        assert said[0].startswith("Centralise: " if is_faster else "Do not centralise: ")


@untimed
@given(runs)
def test_no_judged_run_has_advice(run: RunResults) -> None:
    """Whatever else was measured; and every line of advice is one line."""
    said = advice(run.scenarios)
    if any(x.judgement.verdict not in _UNJUDGED for x in run.scenarios):
        assert said == []
    assert all("\n" not in line for line in said)


def test_every_format_has_the_advice() -> None:
    """On the page it takes the place of the sentence on the fastest scenario."""
    lines = advice([ALONE, FAST])
    for exporter in (TERMINAL, MARKDOWN):
        rendered = exporter.render(run_of(ALONE, FAST))
        assert all(f"- {line.partition(':')[0]}" in rendered for line in lines)
    head = page_of(ALONE, FAST).only("header").text
    assert all(line in head for line in lines)
    assert "has the highest ratio" not in head
