"""The settings of the scenarios: what all of them share is told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perf.report import formatting
from perf.report.result import ScenarioResult

_FEWEST = 2  # a scenario alone shares nothing


def shared_settings(results: Sequence[ScenarioResult]) -> dict[str, object]:
    """Return the settings that have the same value in all scenarios."""
    if len(results) < _FEWEST:
        return {}
    first, *others = (_known(result.spec) for result in results)
    return {
        key: value
        for key, value in first.items()
        if all(key in other and other[key] == value for other in others)
    }


def own_settings(result: ScenarioResult, shared: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of a scenario that are not among the shared ones."""
    known = _known(result.spec)
    return {key: value for key, value in known.items() if key not in shared}


def settings_line(settings: Mapping[str, object]) -> str:
    """Return settings as a line of text."""
    told = (f"{key} {value}" for key, value in settings.items())
    return formatting.one_line("; ".join(told))


def _known(spec: Mapping[str, object]) -> dict[str, object]:
    """Return the row of the table, without its name and what is not set."""
    return {
        key: value for key, value in spec.items() if value is not None and key != "name"
    }
