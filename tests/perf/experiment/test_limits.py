"""The limits beside a scenario, and the parts into which an image's time is divided."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.experiment.limits import LimitGauge, ServedCpu, layouts_of, queue_ms
from perf.machine.decoding import Decoder
from perf.machine.layout import Layout
from serving.errors import PerfError
from serving.model.artifacts import Artifacts

amounts = st.floats(min_value=0.0, max_value=1e4)


class _Steady:
    """A yardstick, or a decoder, that always measures the same value."""

    def __init__(self, value: float, pid: int) -> None:
        self._value = value
        self.pids = (pid,)

    def measure_rps(self) -> float:
        return self._value

    def cpu_ms_per_image(self) -> float:
        return self._value


@given(
    images=st.integers(min_value=1, max_value=10_000),
    duration_s=st.floats(min_value=0.1, max_value=1e4),
    cores=st.floats(min_value=0.5, max_value=256.0),
    jobs_s=amounts,
    server_s=amounts,
    inference_ms=amounts,
    decoding_ms=amounts,
)
def test_parts_add_up_to_the_whole_time(  # noqa: PLR0913 -- every input is generated
    *,
    images: int,
    duration_s: float,
    cores: float,
    jobs_s: float,
    server_s: float,
    inference_ms: float,
    decoding_ms: float,
) -> None:
    """The parts add up to the time of all cores for one image.

    Inference, decoding and the rest of the server add up to the server's CPU time.
    """
    parts = ServedCpu(
        images=images,
        duration_s=duration_s,
        cores=cores,
        by_part_s={"jobs": jobs_s, "server": server_s, "harness": 0.1},
        inference_ms=inference_ms,
        decoding_ms=decoding_ms,
    ).core_ms()
    whole_ms = 1e3 * cores * duration_s / images
    largest = max(map(abs, parts.values()))
    assert sum(parts.values()) == pytest.approx(whole_ms, abs=1e-9 * largest)
    of_server = ("inference", "decoding", "rest of the server")
    assert sum(parts[name] for name in of_server) == pytest.approx(
        1e3 * server_s / images, abs=1e-9 * largest
    )


@given(
    batch_size=st.integers(min_value=1, max_value=64),
    processes=st.integers(min_value=1, max_value=64),
    each_ms=st.floats(min_value=0.1, max_value=1e3),
    decoding_ms=amounts,
    waited_ms=amounts,
)
def test_wait_is_found_from_a_latency_of_known_parts(
    batch_size: int, processes: int, each_ms: float, decoding_ms: float, waited_ms: float
) -> None:
    """`queue_ms` returns the wait from which the latency was made."""
    core_ms = {"decoding": decoding_ms, "jobs": 3.0, "rest of the server": 5.0}
    latency_ms = waited_ms + batch_size * (each_ms + decoding_ms) + 8.0
    own_rps = 1e3 * processes / each_ms
    found_ms = queue_ms(latency_ms, Layout(processes, 1, batch_size), own_rps, core_ms)
    assert found_ms == pytest.approx(waited_ms, abs=1e-9 * latency_ms)


@given(
    cores=st.integers(min_value=1, max_value=64),
    workers=st.integers(min_value=1, max_value=64),
    batch_size=st.integers(min_value=1, max_value=64),
)
def test_other_layouts_differ_and_fit_the_cores(
    cores: int, workers: int, batch_size: int
) -> None:
    """No layout is the scenario's own, none appears twice, none needs more cores."""
    own = Layout(min(workers, cores), max(1, cores // workers), batch_size)
    others = layouts_of(own, cores)
    assert own not in others
    assert len(set(others)) == len(others) > 0
    assert all(layout.processes * layout.threads <= cores for layout in others)


def test_gauge_averages_its_measurements() -> None:
    """It returns a mean for each layout and for decoding, and all its processes.

    Before the first measurement there is no decoding time.
    """
    own, other = Layout(1, 2, 8), Layout(2, 1, 8)
    gauge = LimitGauge(own=own, layouts={other: _Steady(4.0, 11)}, decoder=_Steady(9.0, 12))
    assert gauge.decoding_ms() is None
    gauge.measure()
    gauge.measure()
    assert gauge.rps() == {other: pytest.approx(4.0)}
    assert gauge.decoding_ms() == pytest.approx(9.0)
    assert gauge.pids == (11, 12)


def test_decoder_measures_in_a_separate_process(
    artifacts: Callable[[str], Artifacts],
) -> None:
    """It returns the CPU time of decoding an image; a missing file raises PerfError."""
    model = artifacts("resnet18")
    decoder = Decoder(model.preprocess, list(model.predictions))
    try:
        assert decoder.cpu_ms_per_image() > 0.0
    finally:
        decoder.stop()
    missing = Decoder(model.preprocess, ["/no/such/image.jpg"])
    try:
        with pytest.raises(PerfError, match="decoding died"):
            missing.cpu_ms_per_image()
    finally:
        missing.stop()
