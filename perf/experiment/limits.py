"""How near a scenario comes to what the machine can do, and where its time goes.

The limit is the model alone, computed by processes of the harness: in the scenario's own
layout (that is the yardstick) and in other layouts. Each is measured once for every pair.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from perf.machine.layout import Layout

_BATCH = 8  # tried where the scenario does not batch


class _Yardstick(Protocol):
    @property
    def pids(self) -> tuple[int, ...]: ...

    def measure_rps(self) -> float: ...


class _Decoder(Protocol):
    @property
    def pids(self) -> tuple[int, ...]: ...

    def cpu_ms_per_image(self) -> float: ...


@dataclass(slots=True, kw_only=True)
class LimitGauge:
    """The model alone in other layouts than a scenario's `own`, and a decoder of images.

    Their processes are idle between two measurements.
    """

    own: Layout
    layouts: Mapping[Layout, _Yardstick]
    decoder: _Decoder
    _rps: dict[Layout, list[float]] = field(default_factory=dict)
    _decoding_ms: list[float] = field(default_factory=list)

    @property
    def pids(self) -> tuple[int, ...]:
        """The root processes of all of them."""
        pids = [pid for one in self.layouts.values() for pid in one.pids]
        return (*pids, *self.decoder.pids)

    def measure(self) -> None:
        """Measure each of them once; raises ChildError."""
        for layout, yardstick in self.layouts.items():
            self._rps.setdefault(layout, []).append(yardstick.measure_rps())
        self._decoding_ms.append(self.decoder.cpu_ms_per_image())

    def rps(self) -> dict[Layout, float]:
        """Return images a second of each layout: the geometric mean of its measurements."""
        return {k: statistics.geometric_mean(speeds) for k, speeds in self._rps.items()}

    def decoding_ms(self) -> float | None:
        """Return the mean CPU milliseconds of decoding an image; None if not measured."""
        return statistics.fmean(self._decoding_ms) if self._decoding_ms else None


def layouts_of(own: Layout, cores: int) -> Sequence[Layout]:
    """Return the layouts to try beside a scenario's `own`.

    They are one process with all cores, and one process a core; each with and without
    batches.
    """
    batches = sorted({1, own.batch_size if own.batch_size > 1 else _BATCH})
    tried = [
        Layout(processes, cores // processes, batch_size)
        for processes in sorted({1, cores})
        for batch_size in batches
    ]
    return [layout for layout in tried if layout != own]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCpu:
    """The CPU time that served images took."""

    images: int
    """How many images were answered."""

    duration_s: float
    """In what time."""

    cores: float
    """On how many cores."""

    by_part_s: Mapping[str, float]
    """CPU seconds of jobs, server and harness in that time."""

    inference_ms: float
    """CPU milliseconds of an image in the model alone."""

    decoding_ms: float
    """CPU milliseconds of decoding an image in the server; 0 where the jobs decode."""

    def core_ms(self) -> dict[str, float]:
        """Return the milliseconds of a core that one image takes, by part.

        Their sum is `cores` divided by the throughput. "rest of the server" is a
        difference between two measurements and can be negative.
        """
        part_ms = {name: 1e3 * s / self.images for name, s in self.by_part_s.items()}
        jobs_ms, harness_ms = part_ms.pop("jobs", 0.0), part_ms.pop("harness", 0.0)
        known_ms = self.inference_ms + self.decoding_ms
        spent = {
            "inference": self.inference_ms,
            "decoding": self.decoding_ms,
            "rest of the server": sum(part_ms.values()) - known_ms,
            "jobs": jobs_ms,
            "harness": harness_ms,
        }
        all_ms = 1e3 * self.cores * self.duration_s / self.images
        return {**spent, "idle": all_ms - sum(spent.values())}


def queue_ms(
    latency_ms: float, own: Layout, own_rps: float, core_ms: Mapping[str, float]
) -> float:
    """Return how long an image waited for its batch and for a worker, in milliseconds.

    It is the mean latency less the time of decoding and inference of its batch, and less
    the image's own CPU time in the job and in the rest of the server. `own_rps` is the
    throughput of the layout `own` alone. As a difference it can be negative.
    """
    inference_ms = 1e3 * own.processes * own.batch_size / own_rps
    decoding_ms = own.batch_size * core_ms["decoding"]
    its_own_ms = core_ms["jobs"] + core_ms["rest of the server"]
    return latency_ms - inference_ms - decoding_ms - its_own_ms
