"""Reading baselines from a folder, for the tests of perf/judge/."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.judge.baselines import Baseline, BaselineStore
from perf.judge.stored import EXTRA, SCHEMA_VERSION, Identity
from serving.errors import ConfigError
from tests.support.fakes import IDENTITY

NAME = "serving-batch"
HARNESS = {
    EXTRA: {
        "schema_version": SCHEMA_VERSION,
        "ceiling_rps": 300.0,
        "cpu_ms_per_job": 3.0,
    }
}

# As a suite that measured no pace stored a scenario.
WITHOUT_PACE = {
    EXTRA: {
        "schema_version": 3,
        "name": NAME,
        "identity": IDENTITY.model_dump(mode="json"),
        "pairs": [
            {"scenario_rps": 6.0, "reference_rps": 2.0, "launch": n, "yardstick_rps": 7.0}
            for n in (0, 1)
        ],
    }
}


def identity(**changes: object) -> Identity:
    """Return the identity with some of its fields changed."""
    return IDENTITY.model_copy(update=changes)


def only_one(folder: Path) -> Baseline:
    """Return the baseline that applies; fail where none does."""
    baseline, reason = BaselineStore(folder).find(NAME, IDENTITY)
    assert baseline is not None, reason
    return baseline


def found_in(folder: Path, only: str | None = None) -> str:
    """Return the name of the file whose baseline applies, or the reason why none does."""
    baseline, reason = BaselineStore(folder, only).find(NAME, IDENTITY)
    assert (baseline is None) == bool(reason)
    return baseline.path.name if baseline else reason


def fault(folder: Path) -> str:
    """Return the error of a folder that cannot be read; it has one line."""
    with pytest.raises(ConfigError) as caught:
        BaselineStore(folder)
    assert len(str(caught.value).splitlines()) == 1
    assert "--benchmark-storage" in str(caught.value)
    return str(caught.value)
