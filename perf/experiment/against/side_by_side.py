"""Measure a scenario of this tree side by side with the same scenario of another tree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from perf.config.scenario import Scenario
from perf.experiment.against.environment import python_of
from perf.experiment.against.hosted import HostedArm
from perf.experiment.against.tree import ROOT, Tree, own_tree
from perf.experiment.collect import Measured, Result, scenario_result
from perf.experiment.context import RunContext
from perf.experiment.measurement import Measurement, Rounds
from perf.experiment.schedule import Course
from perf.experiment.turns import Turns
from perf.judge.gate import Terms, judge_side_by_side
from perf.judge.judgement import Judgement
from perf.judge.settling import judge_settling
from perf.load.arrivals.closed import ClosedLoop
from perf.machine.lock import is_alive
from perf.stats import Pair
from serving.runtimes.choice import end_left_servers

# What does not change what a host measures, or is decided here.
_NOT_FOR_HOSTS = frozenset(
    {"against", "budget", "confirm", "family", "history", "limits", "port", "reports"}
    | {"require_baseline", "seed", "sweep", "turn"}
)
_PATHS = ("docker_wheels", "images", "model")


@dataclass(slots=True)
class SideBySide:
    """The measurement of `scenario` beside the same row of `tree`."""

    context: RunContext
    scenario: Scenario

    tree: Tree
    """The other tree."""

    option: str
    """What messages about the tree begin with, such as `--perf-against v1.4`."""

    settles: bool = False
    """Whether a baseline left the scenario open, and `tree` is the baseline's commit."""

    def run(self, rounds: Rounds, budget_s: float | None) -> Result:
        """Measure and judge.

        Raises ConfigError where the other tree cannot take part, and PerfError where a
        model cannot be built.
        """
        end_left_servers(self.context.lab.runtime.name, is_alive)
        with ExitStack() as stack:
            return self._run(rounds, budget_s, stack)

    def _run(self, rounds: Rounds, budget_s: float | None, stack: ExitStack) -> Result:
        context, scenario, ours = self.context, self.scenario, own_tree()
        with context.preparing():  # packages may be installed
            arm = self._arm(ours, stack)
            reference = self._arm(self.tree, stack)
        ceiling_rps = context.ceiling_rps(scenario)  # where that fails, nothing is lost
        course = Course(
            profile=context.settings.profile_of(scenario),
            budget_s=budget_s,
            decided=lambda pairs, planned: self._judge(pairs, planned).is_decided,
        )
        outcome = Measurement(
            context=context,
            scenario=scenario,
            arm=arm,
            reference=reference,
            course=course,
            rounds=rounds,
            judge=lambda pairs: self._judge(pairs, course.planned),
            other=self.tree.label,
            together=self._turns(arm, reference, stack),
        ).run()
        judgement = replace(
            self._at_the_end(outcome.pairing.pairs, course.planned),
            against=self.tree.label,
            ours=ours.label,
            turn_s=context.settings.turn_s if self._in_turns else 0.0,
            differences=(
                *_differences(reference.facts, arm.facts),
                *_kept_jobs(reference, arm),
            ),
        )
        return scenario_result(
            Measured(
                scenario=scenario,
                outcome=outcome,
                judgement=judgement,
                usable_cores=context.lab.machine.usable_cores,
                facts=arm.facts,
                ceiling_rps=ceiling_rps,
            )
        )

    def _turns(
        self, arm: HostedArm, reference: HostedArm, stack: ExitStack
    ) -> Turns | None:
        """Return what lets both trees run in turns, or None where they do not."""
        if not self._in_turns:
            return None
        turns = Turns.start(arm, reference, self.context.settings.turn_s)
        stack.callback(turns.stop)
        return turns

    @property
    def _in_turns(self) -> bool:
        """Whether both trees run in turns.

        Jobs that begin by a schedule cannot wait for their turn. What a card has begun
        goes on while its process is stopped. Only root may stop what runs in a container,
        because it belongs to another user.
        """
        settings, row = self.context.settings, self.scenario
        closed = row.arrivals == ClosedLoop.name
        contained = row.kind.served and self.context.header.runtime == "docker"
        may_stop = not contained or os.geteuid() == 0
        return bool(settings.turn_s) and closed and may_stop and settings.device == "cpu"

    def _judge(self, pairs: Sequence[Pair], planned: int) -> Judgement:
        return judge_side_by_side(pairs, self._terms(planned, side_by_side=True))

    def _at_the_end(self, pairs: Sequence[Pair], planned: int) -> Judgement:
        if not self.settles:
            return self._judge(pairs, planned)
        beside, since_baseline = (
            self._terms(planned, side_by_side=which) for which in (True, False)
        )
        return judge_settling(pairs, beside, since_baseline)

    def _terms(self, planned: int, *, side_by_side: bool) -> Terms:
        return Terms(
            planned=planned,
            scenarios=self.context.judged,
            tolerances=self.scenario.tolerances(side_by_side=side_by_side),
        )

    def _arm(self, tree: Tree, stack: ExitStack) -> HostedArm:
        """Return an arm of `tree`, which `stack` stops."""
        settings = self.context.settings
        python = python_of(tree, self.option, settings.cache)
        # A variable may name a folder too, relative to ours.
        wheels = str(settings.docker.wheels or "")
        given = {
            **self.context.options,
            "cache": str(settings.cache),
            "docker_wheels": wheels,
        }
        options = {
            **{k: v for k, v in given.items() if k not in _NOT_FOR_HOSTS},
            "scenario": [self.scenario.name],
            "runtime": self.context.header.runtime,
        }
        if self._in_turns:  # so a job takes twice as long
            options["job_timeout"] = 2 * settings.job_timeout_s
        arm = HostedArm(
            tree,
            python,
            placed(options, tree),
            self.option,
            startup_timeout_s=settings.startup_timeout_s,
            job_timeout_s=settings.job_timeout_s,
        )
        stack.callback(arm.stop)
        return arm


def placed(options: Mapping[str, object], tree: Tree) -> dict[str, object]:
    """Return the options with absolute paths, as `tree` should see them.

    A file of our tree is the file with the same name in `tree`, if it is there: a model
    that lies beside the code may have changed with it.
    """
    found = dict(options)
    for name in _PATHS:
        given = str(options.get(name) or "")
        is_name = name == "model" and not given.endswith(".pt")
        if given and not is_name and Path(given).exists():
            path = Path(given).resolve()
            if path.is_relative_to(ROOT):
                theirs = tree.root / path.relative_to(ROOT)
                path = theirs if theirs.exists() else path
            found[name] = str(path)
    return found


def _kept_jobs(theirs: HostedArm, ours: HostedArm) -> Iterator[str]:
    """Yield that one tree starts its jobs from the same processes in all launches."""
    if theirs.keeps_jobs != ours.keeps_jobs:
        words = {True: "no", False: "yes"}
        yield (
            f"jobs started anew in each launch {words[theirs.keeps_jobs]} -> "
            f"{words[ours.keeps_jobs]}"
        )


def _differences(theirs: Mapping[str, str], ours: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{key} {theirs.get(key, 'none')} -> {ours.get(key, 'none')}"
        for key in sorted(theirs.keys() | ours.keys())
        if theirs.get(key) != ours.get(key)
    )
