"""The metrics: OpenMetrics that its own parser reads, with the figures of the JSON."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as read_old_text

from perf.report import derived, formatting
from perf.report.formats.metrics import Metrics
from perf.report.run import RunResults
from perf.stats import Verdict
from tests.perf.history.test_entry import CAPACITY
from tests.support.any_results import runs, untimed
from tests.support.results import BATCH, HEADER, LOCAL, UNREAD, run_of

# OpenMetrics names only base units; a rate is a base unit over seconds.
_UNITS = {"seconds", "bytes", "ratio", "per_second"}
_STARTED = "2026-11-27T02:17:00+00:00"


def metrics_of(run: RunResults) -> dict[str, Metric]:
    """Return what the parser of OpenMetrics reads, by name without the prefix."""
    found = text_string_to_metric_families(Metrics().render(run))
    return {one.name.removeprefix("serving_perf_"): one for one in found}


def value(metric: Metric, **labels: str) -> float:
    """Return the only sample that has these labels."""
    (found,) = [one for one in metric.samples if labels.items() <= one.labels.items()]
    return float(found.value)


def with_own_names(run: RunResults) -> RunResults:
    """Return the run with names that differ, as those of a table do."""
    named = [replace(one, name=f"{one.name} {n}") for n, one in enumerate(run.scenarios)]
    return RunResults(run.header, scenarios=named, harness=run.harness)


@untimed
@given(runs)
def test_any_run_is_read_by_both_parsers(run: RunResults) -> None:
    """The text is OpenMetrics; a parser of the older text format reads the same values."""
    text = Metrics().render(with_own_names(run))
    assert text.endswith("\n# EOF\n")
    new = [one for metric in text_string_to_metric_families(text) for one in metric.samples]
    old = [one for metric in read_old_text(text) for one in metric.samples]
    assert [(x.name, x.labels, x.value) for x in new] == [
        (x.name, x.labels, x.value) for x in old
    ]


@untimed
@given(runs)
def test_names_and_units_keep_the_conventions(run: RunResults) -> None:
    """A unit is a base unit and ends the name; each metric has a text and finite values."""
    for name, metric in metrics_of(with_own_names(run)).items():
        assert metric.documentation.endswith("."), name
        assert metric.type in {"gauge", "counter", "summary"}, name
        if metric.unit:
            assert name.endswith(f"_{metric.unit}")
            assert any(metric.unit.endswith(unit) for unit in _UNITS), metric.unit
        assert all(math.isfinite(one.value) for one in metric.samples), name


@untimed
@given(runs)
def test_every_scenario_has_one_verdict(run: RunResults) -> None:
    """Of the samples of a scenario exactly one is 1: that of its verdict."""
    named = with_own_names(run)
    found = metrics_of(named).get("verdict")
    for result in named.scenarios:
        assert found is not None
        scenario = formatting.one_line(result.name)
        for verdict in Verdict:
            seen = value(found, scenario=scenario, verdict=str(verdict))
            assert seen == (result.judgement.verdict is verdict)


def test_the_values_are_those_of_the_run() -> None:
    """Milliseconds are seconds here, and per cent are shares of one."""
    found = metrics_of(run_of(BATCH, LOCAL))
    batch = {"scenario": BATCH.name}
    rps = derived.throughput_rps(BATCH)
    assert value(found["throughput_images_per_second"], **batch) == rps
    latency = {one.name: one.value for one in found["latency_seconds"].samples[4:6]}
    assert latency == {
        "serving_perf_latency_seconds_count": 3,
        "serving_perf_latency_seconds_sum": pytest.approx(14.8234),
    }
    p50 = value(found["latency_seconds"], quantile="0.5", **batch)
    assert p50 == pytest.approx(4.8016)
    mean = value(found["cpu_ratio"], statistic="mean", **batch)
    assert mean == pytest.approx(0.916)
    assert value(found["jobs"], outcome="right", **batch) == 240
    change = found["change_ratio"]
    for bound, expected in (("estimate", 0.802), ("low", 0.772), ("high", 0.835)):
        assert value(change, quantity="throughput", bound=bound, **batch) == expected
    assert value(found["peak_memory_bytes"], kind="pss", **batch) == 1_300_000_000
    stolen = value(found["disturbance_ratio"], cause="stolen", **batch)
    assert stolen == pytest.approx(0.001)


def test_what_is_not_known_has_no_sample() -> None:
    """Nothing is written as NaN or 0 because it could not be measured."""
    found = metrics_of(run_of(UNREAD, harness=None))
    for name in (
        "latency_seconds",
        "peak_memory_bytes",
        "change_ratio",
        "measured_seconds",
    ):
        assert name not in found
    assert "harness_ceiling_jobs_per_second" not in found
    assert "run_start_time_seconds" not in found


@untimed
@given(runs)
def test_every_sample_says_how_it_was_measured(run: RunResults) -> None:
    """Two runtimes, models or profiles have no sample in common."""
    header = run.header
    of_run = {"runtime": header.runtime, "model": header.model, "profile": header.profile}
    expected = {name: formatting.one_line(text) for name, text in of_run.items()}
    for metric in metrics_of(with_own_names(run)).values():
        for sample in metric.samples:
            assert expected.items() <= sample.labels.items()


def test_a_search_has_a_capacity_and_no_throughput() -> None:
    """That of its closed loops is no result of the scenario."""
    found = metrics_of(run_of(BATCH, replace(LOCAL, capacity=CAPACITY)))
    names = [
        one.labels["scenario"] for one in found["throughput_images_per_second"].samples
    ]
    assert names == [BATCH.name]
    capacity = found["capacity_requests_per_second"]
    assert value(capacity, scenario=LOCAL.name, bound="estimate") == CAPACITY.rps


def test_a_text_is_understood_alone() -> None:
    """A monitor shows the text of one metric, without those before it."""
    found = metrics_of(run_of(BATCH))
    for name, said in (
        ("tolerance_ratio", "The share by which the quantity may get worse."),
        ("harness_cpu_ratio", "CPU of the harness, of all usable cores."),
        ("peak_memory_bytes", "Peak memory of all processes of the scenario."),
    ):
        assert found[name].documentation == said


def test_the_run_says_which_it_is() -> None:
    """Its settings are labels, and its start a time; an unfinished run can be seen."""
    planned = (BATCH.name, LOCAL.name, "serving-single")
    header = replace(HEADER, started=_STARTED, commit="c" * 40, scenarios=planned)
    found = metrics_of(run_of(BATCH, header=header))
    (info,) = found["run_info"].samples
    assert info.value == 1
    assert info.labels["machine_class"] == HEADER.machine_class
    assert info.labels["commit"] == "c" * 40
    assert value(found["run_start_time_seconds"]) == 1795745820
    assert value(found["scenarios"], state="planned") == 3
    assert value(found["scenarios"], state="measured") == 1
