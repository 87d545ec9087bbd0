"""The reports: one set of results as text, as Markdown, as JSON and as a message."""

from __future__ import annotations

import copy
import html
import json
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from perf.report import figures
from perf.report.message import explain, repeat_command
from perf.report.summary import load_schema, summarise
from perf.report.table import markdown, rows, text_table
from perf.result import HarnessResult, RunHeader, ScenarioResult
from perf.stats import Estimate, Pair, Verdict

HEADER = RunHeader(
    profile="standard",
    runtime="process",
    runtime_reason="no Docker engine answers",
    machine_class="x86_64-2cores-avx512-24GiB",
    seed=7,
    model="resnet152",
    machine={"cpu": "Some CPU | 2 cores"},
    versions={"torch": "2.13.0"},
)
HARNESS = HarnessResult(ceiling_rps=262.4, cpu_ms_per_job=3.41, jobs=24)
BATCH = ScenarioResult(
    name="serving-batch",
    spec={"workers": 1, "batch_size": 8},
    jobs=24,
    duration_s=58.31,
    throughput_rps=4.712,
    ratio=Estimate(point=2.503, low=2.41, high=2.604, confidence=0.95),
    baseline_ratio=3.12,
    baseline_file="baselines/process/0001_resnet152.json",
    change=Estimate(point=0.802, low=0.772, high=0.835, confidence=0.995),
    smallest_seen=0.0412,
    differences=("kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1"),
    null_control=None,
    yardstick_rps=7.53,
    efficiency=0.61,
    agreement=None,
    tolerance=0.1,
    verdict=Verdict.REGRESSED,
    reason="",
    latency_ms={"p50": 4801.6, "p90": 5000.0, "p95": 5100.0, "p99": 5220.2},
    requests={"total": 240, "failed": 0, "wrong": 0},
    cpu_percent_mean=91.6,
    cpu_percent_max=99.8,
    peak_memory_bytes=1_300_000_000,
    memory_kind="pss",
    harness_cpu_percent=1.26,
    pairs=(
        Pair(
            scenario_rps=4.7,
            reference_rps=1.9,
            launch=0,
            yardstick_rps=7.53,
        ),
        Pair(scenario_rps=4.8, reference_rps=1.8, launch=1),
    ),
)
UNREAD = replace(
    BATCH,
    name="serving-workers-2",
    throughput_rps=math.nan,
    ratio=None,
    baseline_ratio=None,
    baseline_file=None,
    change=None,
    smallest_seen=None,
    differences=(),
    yardstick_rps=None,
    efficiency=None,
    verdict=Verdict.NO_BASELINE,
    reason="the stored baseline is of\nanother machine class",
    latency_ms={},
    cpu_percent_mean=None,
    cpu_percent_max=None,
    peak_memory_bytes=None,
    harness_cpu_percent=None,
    pairs=(),
)
LOCAL = replace(
    BATCH,
    name="decentralized",
    verdict=Verdict.UNCHANGED,
    differences=(),
    null_control=Estimate(point=0.967, low=0.946, high=0.99, confidence=0.95),
)

any_float = st.floats()
positive = st.floats(min_value=1e-300, max_value=1e300)
count = st.integers(min_value=0, max_value=10_000)
text = st.text(max_size=20)
name = st.text(min_size=1, max_size=20)
estimates = st.tuples(positive, positive, positive).map(
    lambda ends: Estimate(
        point=sorted(ends)[1], low=min(ends), high=max(ends), confidence=0.95
    )
)
amounts = st.one_of(positive, st.just(math.nan), st.just(math.inf))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), any_float, text),
    lambda inner: st.one_of(st.tuples(inner, inner), st.dictionaries(text, inner)),
    max_leaves=5,
)
scenarios = st.builds(
    ScenarioResult,
    name=name,
    spec=st.dictionaries(text, values, max_size=3),
    jobs=count,
    duration_s=amounts,
    throughput_rps=amounts,
    ratio=st.none() | estimates,
    baseline_ratio=st.none() | positive,
    baseline_file=st.none() | text,
    change=st.none() | estimates,
    smallest_seen=st.none() | amounts,
    differences=st.lists(text, max_size=2).map(tuple),
    null_control=st.none() | estimates,
    yardstick_rps=st.none() | amounts,
    efficiency=st.none() | amounts,
    agreement=st.none() | amounts,
    tolerance=st.floats(min_value=0.001, max_value=0.5),
    verdict=st.sampled_from(Verdict),
    reason=text,
    latency_ms=st.just({})
    | st.fixed_dictionaries(dict.fromkeys(("p50", "p90", "p95", "p99"), amounts)),
    requests=st.fixed_dictionaries(dict.fromkeys(("total", "failed", "wrong"), count)),
    cpu_percent_mean=st.none() | amounts,
    cpu_percent_max=st.none() | amounts,
    peak_memory_bytes=st.none() | st.integers(min_value=0, max_value=2**50),
    memory_kind=st.sampled_from(["pss", "rss", "cgroup"]),
    harness_cpu_percent=st.none() | amounts,
    pairs=st.lists(
        st.builds(
            Pair,
            scenario_rps=positive,
            reference_rps=positive,
            launch=count,
            yardstick_rps=st.none() | positive,
        ),
        max_size=3,
    ).map(tuple),
)
harnesses = st.none() | st.builds(
    HarnessResult, ceiling_rps=amounts, cpu_ms_per_job=amounts, jobs=count
)
headers = st.builds(
    RunHeader,
    profile=name,
    runtime=name,
    runtime_reason=text,
    machine_class=name,
    seed=st.integers(),
    model=text,
    machine=st.dictionaries(text, text, max_size=2),
    versions=st.dictionaries(text, text, max_size=2),
)
runs = st.tuples(headers, st.lists(scenarios, max_size=3), harnesses)
Run = tuple[RunHeader, list[ScenarioResult], HarnessResult | None]
# What is held here is the answer, never how long it took.
untimed = settings(deadline=None, max_examples=60)


def validator() -> Draft202012Validator:
    """Return a validator of summaries, after a check of the schema itself."""
    schema = load_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def summary() -> dict[str, object]:
    """Return a summary as its reader gets it, after strict JSON."""
    results = [BATCH, UNREAD, LOCAL]
    written = json.dumps(summarise(HEADER, results, HARNESS), allow_nan=False)
    read: dict[str, object] = json.loads(written)
    return read


def at(tree: object, path: str) -> dict[str, object]:
    """Return the object at a dotted path, such as "scenarios.0.ratio"."""
    for step in filter(None, path.split(".")):
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]  # type: ignore[index]
    assert isinstance(tree, dict)
    return tree


def undescribed(
    data: object, schema: dict[str, object], root: dict[str, object]
) -> list[str]:
    """Return the keys in `data` that `schema` does not describe, at any depth."""
    while "$ref" in schema:
        schema = root["$defs"][str(schema["$ref"]).rsplit("/", 1)[1]]  # type: ignore[index]
    if isinstance(data, list):
        items = schema["items"]
        return [key for item in data for key in undescribed(item, items, root)]  # type: ignore[arg-type]
    known = schema.get("properties")
    if not isinstance(data, dict) or known is None:
        return []
    assert isinstance(known, dict)
    return [key for key in data if key not in known] + [
        inner
        for key, value in data.items()
        if key in known
        for inner in undescribed(value, known[key], root)
    ]


def cells_of(markdown_row: str) -> list[str]:
    """Return a Markdown row's cells as a page shows them."""
    cells = re.split(r"(?<!\\)\|", markdown_row)[1:-1]
    return [html.unescape(re.sub(r"\\([|`*_~])", r"\1", cell.strip())) for cell in cells]


@untimed
@given(runs)
def test_every_summary_is_strict_json_and_keeps_the_schema(run: Run) -> None:
    """Whatever was measured or not, the summary is strict JSON that the schema allows."""
    written = json.dumps(summarise(*run), allow_nan=False)
    validator().validate(json.loads(written))


@untimed
@given(runs)
def test_every_run_can_be_printed(run: Run) -> None:
    """Whatever was measured, both tables have one row per scenario, with the same cells."""
    header, results, _ = run
    expected = [[" ".join(cell.split()) for cell in row] for row in rows(results)]
    page = markdown(*run).split("\n")
    first = next(n for n, line in enumerate(page) if line.startswith("|")) + 2
    on_page = [cells_of(line) for line in page[first : first + len(results)]]
    assert on_page == expected
    in_text = text_table(*run).split("\n")
    start = next(n for n, line in enumerate(in_text) if line.startswith("---")) + 1
    for line, row in zip(in_text[start : start + len(results)], expected, strict=True):
        assert line.split() == " ".join(row).split()
    for result in results:
        assert "\n" not in explain(result, header)


def test_schema_describes_every_key_that_is_written() -> None:
    """A new key joins the schema too, so that the file has no undocumented corner."""
    schema = load_schema()
    assert undescribed(summary(), schema, schema) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [
        *(
            ("", key)
            for key in (
                "schema_version",
                "profile",
                "runtime",
                "machine_class",
                "seed",
                "scenarios",
            )
        ),
        *(
            ("scenarios.0", key)
            for key in (
                "name",
                "spec",
                "throughput_rps",
                "ratio",
                "baseline_ratio",
                "change",
                "smallest_seen",
                "differences",
                "null_control",
                "yardstick_rps",
                "verdict",
                "latency_ms",
                "requests",
                "cpu_percent",
                "memory_bytes",
                "pairs",
            )
        ),
        *(("scenarios.0.ratio", key) for key in ("estimate", "low", "high", "confidence")),
        *(("scenarios.2.null_control", key) for key in ("estimate", "low", "high")),
        *(("scenarios.0.latency_ms", key) for key in ("p50", "p90", "p95", "p99")),
        *(("scenarios.0.requests", key) for key in ("total", "failed", "wrong")),
        *(("scenarios.0.cpu_percent", key) for key in ("mean", "max")),
        ("scenarios.0.memory_bytes", "peak_pss"),
        *(
            ("scenarios.0.pairs.0", key)
            for key in ("scenario_rps", "reference_rps", "launch")
        ),
    ],
)
def test_schema_refuses_a_summary_without_a_promised_key(path: str, key: str) -> None:
    """A key that readers were promised cannot go missing unnoticed."""
    broken = copy.deepcopy(summary())
    del at(broken, path)[key]
    assert [error.message for error in validator().iter_errors(broken)] == [
        f"{key!r} is a required property"
    ]


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("", "schema_version", 2),
        ("", "seed", "7"),
        ("scenarios.0", "verdict", "fine"),
        ("scenarios.0", "throughput_rps", "4.7"),
        ("scenarios.0.requests", "failed", -1),
        ("scenarios.0.memory_bytes", "kind", "guess"),
        ("scenarios.0.ratio", "confidence", 95),
        ("scenarios.0", "smallest_seen", "4.1 %"),
        ("scenarios.0", "smallest_seen", -0.04),
        ("scenarios.0", "differences", "torch 2.13.0 -> 2.14.1"),
        ("scenarios.0", "differences", [2.13]),
        ("scenarios.0", "null_control", 0.967),
        ("scenarios.0", "yardstick_rps", "7.53"),
        ("scenarios.0.pairs.0", "yardstick_rps", 0),
    ],
)
def test_schema_refuses_a_value_of_another_kind(path: str, key: str, value: object) -> None:
    """An unknown verdict, a number as text, a count below 0: each is refused."""
    broken = copy.deepcopy(summary())
    assert validator().is_valid(broken)
    at(broken, path)[key] = value
    assert not validator().is_valid(broken)


def test_summary_holds_what_the_verdict_rests_on() -> None:
    """Yardstick, what would have been seen and what differs are there, or null."""
    read = summary()
    batch, unread, local = (at(read, f"scenarios.{n}") for n in range(3))
    assert at(batch, "change")["confidence"] == 0.995
    assert (batch["smallest_seen"], batch["yardstick_rps"]) == (0.0412, 7.53)
    assert batch["differences"] == ["kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1"]
    assert batch["null_control"] is None
    assert batch["pairs"] == [
        {
            "scenario_rps": 4.7,
            "reference_rps": 1.9,
            "launch": 0,
            "yardstick_rps": 7.53,
        },
        {
            "scenario_rps": 4.8,
            "reference_rps": 1.8,
            "launch": 1,
            "yardstick_rps": None,
        },
    ]
    assert (unread["smallest_seen"], unread["yardstick_rps"]) == (None, None)
    assert unread["differences"] == []
    assert local["null_control"] == {
        "estimate": 0.967,
        "low": 0.946,
        "high": 0.99,
        "confidence": 0.95,
    }


def test_schema_knows_exactly_the_verdicts_of_the_statistics() -> None:
    """The schema's list of verdicts is the list that the statistics can give."""
    verdict = at(load_schema(), "$defs.scenario.properties.verdict")
    assert verdict["enum"] == [member.value for member in Verdict]


@pytest.mark.parametrize("kind", ["rss", "cgroup"])
def test_a_peak_that_is_not_pss_is_never_given_as_pss(kind: str) -> None:
    """Where PSS cannot be read, peak_pss is null; peak_bytes and kind tell what was."""
    summarised = summarise(HEADER, [replace(BATCH, memory_kind=kind)], None)
    memory = at(summarised, "scenarios.0.memory_bytes")
    assert memory == {"peak_pss": None, "peak_bytes": 1_300_000_000, "kind": kind}
    validator().validate(summarised)
    memory["peak_pss"] = 1_300_000_000
    assert not validator().is_valid(summarised)


def test_a_spec_of_any_values_becomes_json() -> None:
    """Tuples become lists, what JSON cannot hold becomes text or null."""
    spec = {"threads": (1, 2), "delay_ms": math.inf, "verdict": Verdict.INVALID, "z": 1j}
    summarised = summarise(HEADER, [replace(BATCH, spec=spec)], None)
    assert at(summarised, "scenarios.0.spec") == {
        "threads": [1, 2],
        "delay_ms": None,
        "verdict": "invalid",
        "z": "1j",
    }


def test_cells_show_each_figure_with_its_unit() -> None:
    """The row has the article's columns; what could not be read is a dash, never a zero."""
    assert rows([BATCH, UNREAD]) == [
        [
            "serving-batch",
            "24",
            "58.3 s",
            "4.71/s",
            "2.50 [2.41, 2.60]",
            "3.12",
            "regressed",
            "0.610",
            "4802 ms",
            "5220 ms",
            "92 %",
            "100 %",
            "1.21 GiB",
        ],
        ["serving-workers-2", "24", "58.3 s", "-", "-", "-", "no baseline"] + ["-"] * 6,
    ]


def test_text_says_what_holds_for_the_run_and_what_each_scenario_has_to_say() -> None:
    """Header, harness and remarks each have one line; the table keeps to 150 columns."""
    failing = replace(
        BATCH, name="serving-single", requests={"total": 240, "failed": 3, "wrong": 1}
    )
    results = [BATCH, failing, replace(UNREAD, peak_memory_bytes=5, memory_kind="rss")]
    lines = text_table(HEADER, results, HARNESS).split("\n")
    assert lines[0] == (
        "profile standard; model resnet152; runtime process (no Docker engine answers); "
        "machine class x86_64-2cores-avx512-24GiB; seed 7"
    )
    assert lines[9:] == [
        (
            "ratio: throughput over the reference's with its 95 % interval; "
            "baseline: the stored ratio; efficiency: throughput over the yardstick's; "
            "-: not known"
        ),
        "peak memory marked rss counts shared pages once for each process",
        (
            "harness: 262/s at most, 24 jobs at a time, 3.4 ms of CPU a job; "
            "56 times the fastest scenario (serving-batch)"
        ),
        "harness's share of the CPU: serving-batch 1.3 %, serving-single 1.3 %",
        "serving-single: 240 requests, 3 failed, 1 wrong",
        "serving-workers-2: the stored baseline is of another machine class",
    ]
    assert max(len(line) for line in lines[2:8]) <= 150


def test_the_reference_over_itself_has_a_line_of_its_own() -> None:
    """Where the reference was measured, both reports tell how far it is from itself."""
    line = "null control: the reference over itself is 0.967 [0.946, 0.990]"
    results = [LOCAL, BATCH]
    assert text_table(HEADER, results, HARNESS).split("\n").count(line) == 1
    assert f"\n- {line}\n" in markdown(HEADER, results, HARNESS)
    for report in (text_table, markdown):
        assert "null control" not in report(HEADER, [BATCH, UNREAD], HARNESS)


def test_a_run_without_scenarios_or_harness_is_still_a_report() -> None:
    """A run that measured nothing says so instead of failing."""
    assert "harness: its ceiling was not measured" in text_table(HEADER, [], None)
    assert "No scenario was measured" in markdown(HEADER, [], None)


def test_markdown_escapes_what_would_change_the_page() -> None:
    """A pipe stays inside its cell, and a tag or an emphasis is shown, not obeyed."""
    odd = replace(BATCH, name="a|b\\|c", reason="<b>*late*</b>")
    page = markdown(HEADER, [odd], HARNESS)
    assert "| a\\|b&#92;\\|c " in page
    assert "- a\\|b&#92;\\|c: &lt;b&gt;\\*late\\*&lt;/b&gt;" in page
    assert "Some CPU \\| 2 cores" in page


def test_markdown_has_heading_tally_notes_and_foot() -> None:
    """A page tells the verdicts at a glance and keeps machine and versions folded away."""
    page = markdown(HEADER, [BATCH, UNREAD], HARNESS)
    assert page.startswith("## ")
    assert "**1 regressed, 1 no baseline.**" in page
    assert "- harness: 262/s at most" in page
    assert "<summary>Versions</summary>\n\n| versions" in page
    assert page.endswith("</details>\n")


def test_explain_tells_a_regression_and_how_to_repeat_it() -> None:
    """A red verdict names scenario, interval, baseline file, tolerance and command."""
    assert explain(BATCH, HEADER) == (
        "serving-batch has regressed. Its throughput is 2.50 [2.41, 2.60] times the "
        "reference's (95 % interval). That is a change of -19.8 % (99.5 % interval: "
        "-22.8 % to -16.5 %) against 3.12 in baselines/process/0001_resnet152.json, where "
        "the tolerance is 10 %. Since then: kernel 6.1 -> 6.8, torch 2.13.0 -> 2.14.1. "
        "To repeat this scenario alone: tox -e serving-batch -- --perf-seed 7 "
        "--perf-runtime process"
    )


def test_explain_says_when_nothing_else_has_changed() -> None:
    """A regression without any difference leaves nothing but the code to look at."""
    said = explain(replace(BATCH, differences=()), HEADER)
    known = "Versions, settings, kernel and CPU are as they were then."
    assert f"where the tolerance is 10 %. {known} To repeat " in said
    assert "Since then" not in said


@pytest.mark.parametrize("verdict", [Verdict.NO_BASELINE, Verdict.INVALID])
def test_explain_compares_no_facts_where_nothing_was_compared(verdict: Verdict) -> None:
    """Without a baseline, or a measurement, there is no then that anything was like."""
    said = explain(replace(UNREAD, verdict=verdict), HEADER)
    assert "Since then" not in said
    assert "as they were then" not in said


def test_explain_keeps_a_difference_on_its_line() -> None:
    """A fact that holds a line break breaks no line of the message."""
    odd = replace(BATCH, differences=("CPU Some\nCPU -> Other\tCPU",))
    assert "Since then: CPU Some CPU -> Other CPU. " in explain(odd, HEADER)


def test_explain_tells_what_no_baseline_looked_for() -> None:
    """Without a baseline the message says what was wanted and why none applied."""
    said = explain(UNREAD, HEADER)
    assert "serving-workers-2 has no baseline that applies." in said
    assert "machine class x86_64-2cores-avx512-24GiB, model resnet152" in said
    assert "Reason: the stored baseline is of another machine class." in said


def test_explain_counts_the_requests_of_an_invalid_measurement() -> None:
    """A measurement that counts for nothing says how many requests went wrong."""
    requests = {"total": 240, "failed": 3, "wrong": 1}
    invalid = replace(BATCH, verdict=Verdict.INVALID, requests=requests, reason="timeout")
    said = explain(invalid, HEADER)
    assert "Of 240 requests 3 failed and 1 were answered wrongly. Reason: timeout." in said


@pytest.mark.parametrize("verdict", list(Verdict))
def test_explain_has_words_for_every_verdict(verdict: Verdict) -> None:
    """No verdict is left without a message or without its command."""
    said = explain(replace(BATCH, verdict=verdict), HEADER)
    assert said.startswith("serving-batch ")
    assert said.endswith("tox -e serving-batch -- --perf-seed 7 --perf-runtime process")


def test_repeat_command_names_a_profile_other_than_the_standard() -> None:
    """The command repeats the same profile, and is safe to paste into a shell."""
    header = replace(HEADER, profile="smoke")
    assert (
        repeat_command("serving-batch", header)
        == "tox -e serving-batch -- --perf-seed 7 --perf-runtime process "
        "--perf-profile smoke"
    )
    assert repeat_command("a b", HEADER).startswith("tox -e 'a b' ")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (4.712, "4.71/s"),
        (9.999, "10.0/s"),
        (58.31, "58.3/s"),
        (262.4, "262/s"),
        (1470.2, "1470/s"),
        (0.04567, "0.0457/s"),
        (0.0, "0.00/s"),
        (math.nan, "-"),
        (None, "-"),
    ],
)
def test_a_rate_has_three_significant_digits(value: float | None, shown: str) -> None:
    """Three digits whatever the size, and a dash where there is no number."""
    assert figures.rate(value) == shown


@pytest.mark.parametrize(
    ("value_bytes", "kind", "shown"),
    [
        (812 * 2**20, "pss", "812 MiB"),
        (2**30 - 1, "pss", "1.00 GiB"),
        (24 * 2**30, "rss", "24.0 GiB rss"),
        (None, "rss", "-"),
    ],
)
def test_memory_is_in_binary_units(value_bytes: int | None, kind: str, shown: str) -> None:
    """MiB below one GiB, GiB from there; the kind is shown where it is not PSS."""
    assert figures.memory(value_bytes, kind) == shown


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((3.01, 3.12, 3.24), "3.12 [3.01, 3.24]"),
        ((9.1, 9.999, 10.24), "10.0 [9.1, 10.2]"),
        ((0.0, 1.0, 1e300), "1.00 [0.00, 1.0e+300]"),
    ],
)
def test_an_interval_stays_readable(ends: tuple[float, float, float], shown: str) -> None:
    """The ends have the point's decimals, and a vast end does not fill the terminal."""
    low, point, high = ends
    assert figures.interval(Estimate(point, low, high, 0.95)) == shown


def test_a_ratio_that_was_not_estimated_is_a_dash() -> None:
    """No estimate gives no figure."""
    assert figures.interval(None) == "-"


@pytest.mark.parametrize(
    ("factor", "shown"), [(0.802, "-19.8 %"), (1.0, "+0.0 %"), (1e300, "+1.0e+302 %")]
)
def test_a_change_is_signed(factor: float, shown: str) -> None:
    """A reader sees at once whether it is a gain or a loss."""
    assert figures.change(factor) == shown
