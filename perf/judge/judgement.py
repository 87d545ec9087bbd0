"""A verdict on a scenario, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perf.stats import Estimate, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One quantity, and how much it changed."""

    quantity: str

    change: Estimate
    """The value over that of the baseline or the other tree; its interval decided."""

    tolerance: float
    """By which share it may get worse."""

    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, and the numbers behind it."""

    verdict: Verdict

    reason: str = ""
    """Why the verdict does not rest on `quantities`; empty where it does."""

    ratio: Estimate | None = None
    """Throughput over that of the reference; None in a run side by side."""

    baseline_ratio: float | None = None
    """The same in the baseline."""

    quantities: tuple[Judged, ...] = ()
    """What was compared, first throughput or what takes its place; or nothing.

    At a fixed rate goodput takes its place, and in a search the capacity.
    """

    incomplete: Mapping[str, str] = field(default_factory=dict)
    """Why a quantity was not judged that some blocks have a value of, by its name."""

    smallest_seen: float | None = None
    """The smallest loss of throughput, as a share, that is an alarm 95 times in 100."""

    missed_tolerance: float | None = None
    """The tolerance side by side, where the change is only known to lie in a larger one."""

    baseline_file: str | None = None

    against: str = ""
    """What the other tree of a run side by side is called; empty without one."""

    ours: str = ""
    """What this tree is called beside it."""

    turn_s: float = 0.0
    """Seconds of a turn in a run side by side; 0 where one block followed the other."""

    differences: tuple[str, ...] = ()
    """What is not as it was in the baseline or is in the other tree, one phrase each."""

    before: Judgement | None = None
    """The judgement by a baseline, which this one confirms or replaces."""

    unsettled: str = ""
    """Why what the baseline says could not be settled side by side."""

    is_elsewhere: bool = False
    """Whether `reason` is only that the baseline was recorded on another CPU."""

    @property
    def change(self) -> Estimate | None:
        """How much throughput over pace changed; None where nothing was compared."""
        return self.quantities[0].change if self.quantities else None

    @property
    def is_compared(self) -> bool:
        """Whether the verdict comes from a change."""
        unusable = self.reason or self.verdict is Verdict.INVALID
        return self.change is not None and not unusable

    @property
    def is_open(self) -> bool:
        """Whether a run side by side should settle it.

        It should where something is called changed, or left open.
        """
        changed_or_open = {Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INCONCLUSIVE}
        return self.verdict in changed_or_open or bool(self.suspects)

    @property
    def is_decided(self) -> bool:
        """Whether no further launch is needed."""
        if self.verdict is Verdict.REGRESSED:
            return True
        return self.verdict.is_certain and not self.suspects

    @property
    def suspects(self) -> tuple[Judged, ...]:
        """The quantities beside throughput that seem to be worse, but are not certain."""
        return tuple(
            one
            for one in self.quantities[1:]
            if one.verdict is Verdict.INCONCLUSIVE
            and one.change.point > 1.0 + one.tolerance
        )

    @property
    def worse(self) -> tuple[Judged, ...]:
        """The quantities that regressed."""
        return tuple(x for x in self.quantities if x.verdict is Verdict.REGRESSED)


def passes(verdict: Verdict, *, baseline_required: bool) -> bool:
    """Return whether a scenario with this verdict passes.

    Without `baseline_required`, a missing baseline and too little evidence pass too.
    """
    good = {Verdict.UNCHANGED, Verdict.IMPROVED}
    if not baseline_required:
        good |= {Verdict.INCONCLUSIVE, Verdict.NO_BASELINE}
    return verdict in good
