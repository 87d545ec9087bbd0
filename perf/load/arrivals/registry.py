"""The arrival patterns that a user can name."""

from __future__ import annotations

from collections.abc import Mapping

from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.closed import ClosedLoop
from perf.load.arrivals.constant import ConstantRate
from perf.load.arrivals.gamma import GammaArrivals
from perf.load.arrivals.poisson import PoissonArrivals
from serving.errors import ConfigError

ARRIVALS: Mapping[str, type[Arrivals]] = {
    ClosedLoop.name: ClosedLoop,
    ConstantRate.name: ConstantRate,
    PoissonArrivals.name: PoissonArrivals,
    GammaArrivals.name: GammaArrivals,
}


def find_arrivals(text: str, rate_rps: float | None = None) -> Arrivals:
    """Return the arrival pattern that `text` asks for: "NAME" or "NAME:ARGUMENT".

    Raises ConfigError where there is no such pattern, or its argument or rate makes no
    sense.
    """
    name, _, argument = text.partition(":")
    if name not in ARRIVALS:
        known = ", ".join(ARRIVALS)
        raise ConfigError(f"arrivals {text}: no such arrival pattern; known: {known}")
    try:
        return ARRIVALS[name].parse(argument, rate_rps)
    except ValueError as fault:
        raise ConfigError(f"arrivals {text}: {fault}") from None
