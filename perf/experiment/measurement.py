"""Measure the pairs of two arms, with every instrument, until they are enough."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from pytest_benchmark.fixture import BenchmarkFixture

from perf.config.scenario import Scenario
from perf.experiment.arms import Arm
from perf.experiment.context import RunContext
from perf.experiment.instruments import (
    REFERENCE_ARM,
    SCENARIO_ARM,
    Instruments,
)
from perf.experiment.pairing import Decided, Pairing, Together
from perf.experiment.progress import Standing, Work
from perf.experiment.schedule import Course
from perf.experiment.seen import MeasuredPair
from perf.judge.judgement import Judgement
from perf.judge.validity import disturbances, pace_fault, shares
from perf.machine.interference import Watch
from perf.machine.pace import Pace
from perf.machine.processes import IGNORED
from perf.machine.usage import Monitor, Usage
from perf.stats import Pair
from serving.errors import PerfError

Rounds = Callable[[Pairing, int], None]
"""Measures so many pairs at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a measurement."""

    pairing: Pairing
    instruments: Instruments

    usage: Usage
    """CPU and memory in the scenario's own blocks."""

    described: Mapping[str, str]
    """What is known of the scenario's server."""

    fault: PerfError | None
    """What ended the measurement, if anything did."""


def in_benchmark(benchmark: BenchmarkFixture) -> Rounds:
    """Return what makes each pair a round of `benchmark`."""

    def run(pairing: Pairing, rounds: int) -> None:
        with contextlib.suppress(Decided):
            benchmark.pedantic(
                pairing.block,
                setup=pairing.setup,
                teardown=pairing.teardown,
                rounds=rounds,
            )
        pairing.teardown()  # pytest-benchmark skips it with --benchmark-disable

    return run


def without_benchmark(pairing: Pairing, rounds: int) -> None:
    """Measure pairs that are no rounds of a benchmark."""
    with contextlib.suppress(Decided):
        for _ in range(rounds):
            pairing.setup()
            pairing.block()
            pairing.teardown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Two arms that are measured in pairs."""

    context: RunContext
    scenario: Scenario
    arm: Arm
    reference: Arm
    course: Course
    rounds: Rounds

    judge: Callable[[Sequence[Pair]], Judgement]
    """Judges the pairs so far, to show where the measurement stands."""

    limits: bool = False
    """Whether the model alone is measured too."""

    other: str = "reference"
    """What messages call the blocks of the reference."""

    together: Together | None = None
    """What runs the blocks of both arms at once; None to run one after the other."""

    afterwards: Callable[[Pairing, Instruments], None] | None = None
    """What to do when all pairs are measured, before the servers are stopped."""

    def run(self) -> Outcome:
        """Measure until the course has enough; every process is ended afterwards."""
        with ExitStack() as stack:
            stack.callback(self.arm.stop)
            stack.callback(self.reference.stop)
            instruments = self._instruments(stack)
            pairing = self._pairing(instruments, stack)
            fault = self._measure(pairing, instruments)
            described = self.arm.describe()
            usage = instruments.monitors[SCENARIO_ARM].stop()
            instruments.monitors[REFERENCE_ARM].stop()
        return Outcome(
            pairing=pairing,
            instruments=instruments,
            usage=usage,
            described=described,
            fault=fault,
        )

    def _measure(self, pairing: Pairing, instruments: Instruments) -> PerfError | None:
        """Measure all pairs; return the fault that ended the measurement, if any."""
        self.course.begin()
        try:
            self.rounds(pairing, self.course.most_pairs + self.course.most_replaced)
            pairing.check_server()
            if self.afterwards:
                self.afterwards(pairing, instruments)
        except PerfError as fault:
            return fault
        return None

    def _pairing(self, instruments: Instruments, stack: ExitStack) -> Pairing:
        course, name = self.course, self.scenario.name
        jobs = None  # unknown where a verdict ends the measurement, or a search its block
        if course.budget_s is None and not self.scenario.seeks_capacity:
            jobs = course.most_pairs * (self.arm.block_images + self.reference.block_images)
        progress = self.context.progress(
            Work(
                name=name,
                place=len(self.context.results.scenarios) + 1,
                scenarios=self.context.judged,
                pairs=course.most_pairs,
                jobs=jobs,
                budget_s=course.budget_s,
            )
        )
        stack.callback(progress.stop)
        seed = self.context.settings.seed
        return Pairing(
            name,
            self.arm,
            self.reference,
            instruments=instruments,
            launches_before=course.launches_before(),
            most_pairs=course.most_pairs,
            rng=random.Random(f"{seed} {name}"),  # noqa: S311 -- a random order, not a secret
            enough=course.enough,
            disturbed=self._disturbed,
            most_replaced=course.most_replaced,
            on_record=progress.job_ended,
            on_pair=lambda pairs: progress.pair_ended(lambda: self._standing(pairs)),
            other=self.other,
            together=self.together,
        )

    def _standing(self, pairs: Sequence[Pair]) -> Standing:
        judgement = self.judge(pairs)
        return Standing(
            pairs=len(pairs),
            launches=len({pair.launch for pair in pairs}),
            planned=self.course.planned,
            change=judgement.change,
            ratio=judgement.ratio,
        )

    def _disturbed(self, measured: MeasuredPair) -> str:
        """Return what disturbed a pair, or the empty string."""
        seen = (measured.scenario.reading.conditions, measured.reference.reading.conditions)
        conditions = [one for one in seen if one]
        if not conditions:
            return ""
        both = shares(conditions, self.context.lab.machine.usable_cores)
        found = disturbances({"both blocks": both})
        return "; ".join(filter(None, (*found, pace_fault(measured.pair))))

    def _instruments(self, stack: ExitStack) -> Instruments:
        lab, scenario = self.context.lab, self.scenario
        limits = lab.limits(scenario, stack) if self.limits else None
        yardstick = lab.yardstick(scenario) if limits else None
        if yardstick:
            stack.callback(yardstick.stop)
        pace = Pace()
        stack.callback(pace.stop)

        def asleep() -> Iterable[int]:
            yield from pace.pids
            yield from yardstick.pids if yardstick else ()
            yield from limits.pids if limits else ()

        def own() -> Sequence[int]:
            servers = (*self.arm.server_pids(), *self.reference.server_pids())
            return (os.getpid(), *servers, *lab.helper_pids)

        def monitor(arm: Arm, other: Arm) -> Monitor:
            def roots() -> Mapping[str, tuple[int, ...]]:
                jobs = arm.job_pids()
                # Idle processes of other arms hold the model in memory: not this arm's.
                idle = {*lab.idle_pids(), *asleep(), *other.job_pids()}
                idle |= {*other.server_pids(), *other.host_pids()}
                return {
                    "jobs": jobs,
                    "server": arm.server_pids(),
                    "harness": (os.getpid(),),
                    IGNORED: tuple(idle - {*jobs}),
                }

            cores = lab.machine.usable_cores
            return stack.enter_context(Monitor(roots, usable_cores=cores))

        return Instruments(
            monitors={
                SCENARIO_ARM: monitor(self.arm, self.reference),
                REFERENCE_ARM: monitor(self.reference, self.arm),
            },
            watch=Watch(own),
            pace=pace,
            yardstick=yardstick,
            limits=limits,
        )
