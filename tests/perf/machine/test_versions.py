"""The versions that a report names, and those that decide about a baseline."""

from __future__ import annotations

from importlib import metadata

import pytest

from perf.machine.versions import major_versions, versions
from serving.declared import packages


def test_versions_are_of_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every declared package is there, unless it is not installed."""
    version = metadata.version

    def without_ray(name: str) -> str:
        if name == "ray":
            raise metadata.PackageNotFoundError(name)
        return version(name) if name == "pytest" else "1.2"

    monkeypatch.setattr(metadata, "version", without_ray)
    found = versions()
    assert found["pytest"] == version("pytest")
    own = {"python", "kernel", "pytest", "pytest-benchmark"}
    assert found.keys() == own | set(packages()) - {"ray"}


def test_few_versions_decide_about_a_baseline() -> None:
    """A baseline is compared by these four major versions, whatever else is reported."""
    full = {"torch": "2.13.0", "torchvision": "0.28.0", "torchserve": "0.12.0"}
    assert major_versions({**full, "python": "3.11.7", "ray": "2.60.0"}) == {
        "torch": "2",
        "torchvision": "0",
        "torchserve": "0",
        "python": "3",
    }
