"""The harness alone is measured with the time limits of the run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from perf.experiment.harness_run import _arm
from perf.experiment.lab import Lab
from serving.backends.null import NullBackend
from serving.spec import ServerSpec


def test_the_limits_are_those_that_the_user_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message about a late job or server names an option, so that must help."""
    specs: list[ServerSpec] = []

    def start(_backend: object, _model: object, spec: ServerSpec, _runtime: object) -> None:
        specs.append(spec)

    monkeypatch.setattr(NullBackend, "start", start)
    lab = SimpleNamespace(
        settings=SimpleNamespace(startup_timeout_s=33, job_timeout_s=44),
        artifacts=SimpleNamespace(
            predictions={"a.jpg": (("cat", 0.9),)}, archive=Path("model.mar")
        ),
        pool=lambda *_: SimpleNamespace(relaunch=lambda: None),
    )
    arm = _arm(cast("Lab", lab), "forked")
    arm.relaunch()
    assert [spec.startup_timeout_s for spec in specs] == [33]
    assert arm.workload.deadline_s == 44.0
