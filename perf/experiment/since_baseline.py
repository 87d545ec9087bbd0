"""Measure a scenario beside the reference row, and judge it by its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perf.config.scenario import Scenario
from perf.experiment.capacity import CapacityArm
from perf.experiment.collect import Measured, Result, scenario_result
from perf.experiment.confirmation import Confirmation
from perf.experiment.context import RunContext
from perf.experiment.measurement import Measurement, Outcome, Rounds
from perf.experiment.schedule import BRIEF_LAUNCHES, FEWEST_LAUNCHES, Course
from perf.judge.baselines import Baseline
from perf.judge.gate import FEWEST_PAIRS, Evidence, Terms, judge_pairs
from perf.judge.identity import about, identity_of
from perf.judge.judgement import Judgement
from perf.judge.stored import Identity
from perf.stats import Pair


@dataclass(slots=True)
class SinceBaseline:
    """The measurement of `scenario` by which a baseline is applied, or made."""

    context: RunContext
    scenario: Scenario

    @property
    def identity(self) -> Identity:
        """What must be equal for a baseline to apply."""
        return identity_of(self.context.settings, self.context.header, self.scenario)

    @property
    def baseline(self) -> Baseline | None:
        """The newest baseline that applies."""
        return self.context.store.find(self.scenario.name, self.identity)[0]

    @property
    def _is_elsewhere(self) -> bool:
        """Whether the baseline is of another CPU."""
        found = self.baseline
        return found is not None and self.identity.is_of_another_cpu(found.identity)

    def run(self, rounds: Rounds, budget_s: float | None, *, brief: bool) -> Result:
        """Measure and judge.

        Without `budget_s` there are as many launches as the profile has. A `brief`
        measurement ends after one launch that leaves the verdict open: that is settled side
        by side, which is the better use of the time. One launch alone decides nothing, and
        one pair alone leaves nothing open, so otherwise there is a second launch. Where the
        baseline is of another CPU, more launches would not tell more; without `brief` there
        are as many as without a baseline.
        """
        context, scenario = self.context, self.scenario
        fewest = BRIEF_LAUNCHES if brief else FEWEST_LAUNCHES
        lab, settings = context.lab, context.settings
        course = Course(
            profile=settings.profile_of(scenario),
            budget_s=budget_s,
            decided=lambda pairs, planned: self._decided(pairs, planned, brief=brief),
            fewest=fewest,
        )
        with context.preparing():  # the model of an engine may be built
            arm = lab.arm(scenario)
            reference = lab.arm(settings.reference_of(scenario))
        ceiling_rps = context.ceiling_rps(scenario)  # where that fails, nothing is lost
        confirmation = None
        if isinstance(arm, CapacityArm):
            confirmation = Confirmation(scenario, arm, settings.arrivals_seed)
        outcome = Measurement(
            context=context,
            scenario=scenario,
            arm=arm,
            reference=reference,
            course=course,
            rounds=rounds,
            judge=lambda pairs: self._judge(pairs, course.planned, {}),
            limits=settings.limits,
            afterwards=None if confirmation is None else confirmation.run,
        ).run()
        facts = self._facts(outcome)
        planned = FEWEST_LAUNCHES if brief else course.planned
        judgement = self._judge(outcome.pairing.pairs, planned, facts)
        return scenario_result(
            Measured(
                scenario=scenario,
                outcome=outcome,
                judgement=judgement,
                usable_cores=lab.machine.usable_cores,
                agreement=lab.agreement(scenario),
                facts=facts,
                ceiling_rps=ceiling_rps,
                seed=settings.arrivals_seed,
                confirmed=None if confirmation is None else confirmation.probe,
            )
        )

    def _decided(self, pairs: Sequence[Pair], planned: int, *, brief: bool) -> bool:
        """Return whether the verdict is certain and no further launch is needed."""
        if self.context.complete:
            return False
        launches = len({pair.launch for pair in pairs})
        if brief:
            if launches >= FEWEST_LAUNCHES:
                return True
            is_open = self._judge(pairs, FEWEST_LAUNCHES, {}).is_open
            return is_open and len(pairs) >= FEWEST_PAIRS
        if self._is_elsewhere:
            return launches >= self.context.settings.profile_of(self.scenario).launches
        return self._judge(pairs, planned, {}).is_decided

    def _judge(
        self, pairs: Sequence[Pair], planned: int, facts: dict[str, str]
    ) -> Judgement:
        evidence = Evidence(
            name=self.scenario.name, pairs=pairs, identity=self.identity, about=facts
        )
        terms = Terms(
            planned=planned,
            scenarios=self.context.judged,
            tolerances=self.scenario.tolerances(side_by_side=False),
        )
        return judge_pairs(evidence, self.context.store, terms)

    def _facts(self, outcome: Outcome) -> dict[str, str]:
        observed = {**outcome.described, **outcome.pairing.observed}
        return about(self.context.header, observed)
