"""Which points of a large sweep to race: a model of what was seen proposes them.

Up to `MOST` points all are raced. Of more, Optuna's tree-structured Parzen estimator
proposes `MOST` different ones, each after a launch of the one before. If it proposes
fewer, chance chooses the others.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence

from perf.config.sweep import Plan
from perf.stats import Quantity
from perf.stats.sample import Block
from serving.errors import ConfigError

MOST = 40
_TRIES = 10  # proposals for each point: some are infeasible, some were made before


def proposed(
    plan: Plan,
    quantities: Sequence[Quantity],
    measure: Callable[[str], Sequence[Block] | None],
    seed: int,
) -> list[str]:
    """Return the keys of the points to race.

    `measure` returns the blocks of a point's first launch, or None where it failed. Raises
    ConfigError where Optuna is needed and missing.
    """
    if len(plan.points) <= MOST:
        return [point.key for point in plan.points]
    try:
        import optuna  # noqa: PLC0415 -- only large sweeps need it, and it takes a second
    except ImportError:
        raise ConfigError(
            f"--perf-sweep {plan.name}: its {len(plan.points)} points are more than "
            f"{MOST}, and Optuna, which would choose among them, is not installed; use "
            f"tox -e sweep -- {plan.name}, or try fewer values"
        ) from None
    optuna.logging.set_verbosity(logging.WARNING)
    study = optuna.create_study(
        directions=["maximize"] * len(quantities),
        sampler=optuna.samplers.TPESampler(seed=seed),
    )
    by_changes = {_frozen(point.changes): point.key for point in plan.points}
    found: dict[str, list[float] | None] = {}
    for _ in range(_TRIES * MOST):
        trial = study.ask()
        changes = {
            name: trial.suggest_categorical(name, list(values))
            for name, values in plan.sweep.space.items()
        }
        key = by_changes.get(_frozen(changes))
        if key is not None and key not in found:
            found[key] = _goodness(measure(key), quantities)
        values = found.get(key) if key is not None else None
        if values is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, values)
        if len(found) == MOST:
            break
    return _filled(list(found), plan, seed)


def _filled(keys: Sequence[str], plan: Plan, seed: int) -> list[str]:
    """Return `keys`, filled up to `MOST` with points that chance chooses.

    The model proposes a point again and again once it is sure that it is good.
    """
    others = [point.key for point in plan.points if point.key not in keys]
    random.Random(seed).shuffle(others)  # noqa: S311 -- a choice of points, not a secret
    return [*keys, *others][:MOST]


def _frozen(changes: Mapping[str, object]) -> frozenset[tuple[str, object]]:
    return frozenset(changes.items())


def _goodness(
    blocks: Sequence[Block] | None, quantities: Sequence[Quantity]
) -> list[float] | None:
    """Return the mean goodness of each quantity; None where one was not measured."""
    if not blocks:
        return None
    found = []
    for quantity in quantities:
        values = [quantity.goodness(block) for block in blocks]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        found.append(sum(known) / len(known))
    return found
