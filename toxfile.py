"""Gives tox one environment for each row of perf/scenarios.toml.

Such an environment has nothing in it: it runs the environment of its row's family for the
row alone, so that no scenario needs another copy of torch.
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


def scenario_families() -> dict[str, str]:
    """Return the family of each of the table's rows by its name, in the table's order."""
    text = (_ROOT / "perf" / "scenarios.toml").read_text("utf-8")
    rows = tomllib.loads(text)["scenario"]
    return {row["name"]: row.get("family", "main") for row in rows}


@impl
def tox_extend_envs() -> Iterable[str]:
    """Name the environments."""
    return list(scenario_families())


@impl
def tox_add_core_config(core_conf: ConfigSet, state: State) -> None:  # noqa: ARG001 -- tox calls it by name
    """Say what each of them runs."""
    posargs = state.conf.pos_args(None) or ()
    tox = [sys.executable, "-m", "tox", "run", "-c", str(_ROOT), "-e"]
    for name, family in scenario_families().items():
        environment = "perf" if family == "main" else family
        command = Command([*tox, environment, "--", "--perf-scenario", name, *posargs])
        loader = MemoryLoader(
            description=f"measure {name} against the decentralised arm",
            package="skip",
            commands=[command],
            allowlist_externals=[sys.executable],
        )
        state.conf.memory_seed_loaders[name].append(loader)
