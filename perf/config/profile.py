"""How much a run measures."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, PositiveInt

_FEWEST = 2


class Profile(BaseModel):
    """One profile of the table: the amounts of a run."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True
    )

    model: str
    """The model, unless `--perf-model` names another."""

    jobs: PositiveInt
    """How many jobs of an arm run at a time, where its row gives no number."""

    block_images: PositiveInt
    """Images in one block of an arm whose jobs do not load the model."""

    reference_images: PositiveInt
    """Images in one block of an arm whose jobs load the model."""

    pairs: PositiveInt
    """Pairs of blocks for each scenario."""

    launches: PositiveInt
    """Launches of each server, over which the pairs are spread."""

    budget_min: PositiveInt | None = None
    """Minutes for each scenario; what one leaves, the others may use.

    It applies where there is something to compare with. If left out, `launches` decides.
    """

    capacity_launches: PositiveInt | None = None
    """Launches for a scenario that seeks its capacity; if left out, `launches`."""

    capacity_budget_min: PositiveInt | None = None
    """`budget_min` for a scenario that seeks its capacity; if left out, that."""

    def for_searches(self, *, asked: bool = False) -> Profile:
        """Return the amounts for a scenario that seeks its capacity.

        Each launch has one pair. A search takes longer than other blocks, and another one
        in the same launch has the same arrivals, so it tells little more. A verdict needs
        two. `asked` is whether the user gave an amount: then `launches` counts.
        """
        launches = None if asked else self.capacity_launches
        launches = max(launches or self.launches, min(self.pairs, _FEWEST))
        return self.model_copy(
            update={
                "pairs": launches,
                "launches": launches,
                "budget_min": self.capacity_budget_min or self.budget_min,
            }
        )

    def launches_before(self) -> frozenset[int]:
        """Return the numbers of the pairs that begin a launch, spread evenly."""
        share = self.pairs / self.launches
        return frozenset(math.ceil(launch * share) for launch in range(self.launches))
