"""Gives tox one environment for each row of perf/scenarios.toml.

Such an environment has nothing in it: it runs the `perf` environment for its row alone,
so that no scenario needs another copy of torch.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from tox.config.loader.memory import MemoryLoader
from tox.config.sets import ConfigSet
from tox.config.types import Command
from tox.plugin import impl
from tox.session.state import State

_ROOT = Path(__file__).parent


def scenario_names() -> list[str]:
    """Return the names of the table's rows, in its order."""
    text = (_ROOT / "perf" / "scenarios.toml").read_text("utf-8")
    return [row["name"] for row in tomllib.loads(text)["scenario"]]


@impl
def tox_extend_envs() -> Iterable[str]:
    """Name the environments."""
    return scenario_names()


@impl
def tox_add_core_config(core_conf: ConfigSet, state: State) -> None:  # noqa: ARG001 -- tox calls it by name
    """Say what each of them runs."""
    posargs = state.conf.pos_args(None) or ()
    perf = [sys.executable, "-m", "tox", "run", "-c", str(_ROOT), "-e", "perf", "--"]
    for name in scenario_names():
        command = Command([*perf, "--perf-scenario", name, *posargs])
        loader = MemoryLoader(
            description=f"measure {name} against the decentralised arm",
            package="skip",
            commands=[command],
            allowlist_externals=[sys.executable],
        )
        state.conf.memory_seed_loaders[name].append(loader)
