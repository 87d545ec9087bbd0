"""How near a scenario comes to what the machine can do, and where the rest goes.

The limit is the model alone, computed by processes of the harness: in the scenario's own
layout, which is the yardstick, and in others. All are measured once for every pair, beside
it.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from perf.machine.yardstick import Layout

_BATCH = 8  # where the scenario's own is 1


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
    """The same model in other layouts than a scenario's `own`, and what decodes.

    All of it sleeps between two measurements.
    """

    own: Layout
    layouts: Mapping[Layout, _Yardstick]
    decoder: _Decoder
    _rps: dict[Layout, list[float]] = field(default_factory=dict)
    _decoding_ms: list[float] = field(default_factory=list)

    @property
    def pids(self) -> tuple[int, ...]:
        """The roots of their process trees."""
        pids = [pid for one in self.layouts.values() for pid in one.pids]
        return (*pids, *self.decoder.pids)

    def measure(self) -> None:
        """Measure each once; raises ChildError."""
        for layout, yardstick in self.layouts.items():
            self._rps.setdefault(layout, []).append(yardstick.measure_rps())
        self._decoding_ms.append(self.decoder.cpu_ms_per_image())

    def rps(self) -> dict[Layout, float]:
        """Return the mean speed of each layout, on the scale of logarithms."""
        return {k: statistics.geometric_mean(speeds) for k, speeds in self._rps.items()}

    def decoding_ms(self) -> float | None:
        """Return the mean CPU time that decoding an image takes, in milliseconds."""
        return statistics.fmean(self._decoding_ms) if self._decoding_ms else None


def layouts_of(own: Layout, cores: int) -> Sequence[Layout]:
    """Return the layouts worth trying beside a scenario's `own`.

    All cores on one picture or batch, or as many processes.
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
    """The CPU time of served images: over all of them, and of one in other processes.

    `by_part_s` is of jobs, server and harness over `duration_s`, in which `images` were
    answered on `cores`. `inference_ms` is what the model alone takes, `decoding_ms` what
    making its input takes, nothing where the jobs do that.
    """

    images: int
    duration_s: float
    cores: float
    by_part_s: Mapping[str, float]
    inference_ms: float
    decoding_ms: float

    def core_ms(self) -> dict[str, float]:
        """Return what one image takes of all cores' time, in milliseconds.

        The sum is `cores` over the throughput. What is left of the server's time is the
        difference of two measurements, and can be below nothing.
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
    """Return how long an image waited for its batch to fill and for a worker, in ms.

    That is what its batch's inference and decoding, one after the other, and its own share
    of the job and of the rest of the server leave of the mean latency. `own_rps` is the
    speed of the layout `own` alone. As a difference it can be below nothing.
    """
    inference_ms = 1e3 * own.processes * own.batch_size / own_rps
    decoding_ms = own.batch_size * core_ms["decoding"]
    its_own_ms = core_ms["jobs"] + core_ms["rest of the server"]
    return latency_ms - inference_ms - decoding_ms - its_own_ms
