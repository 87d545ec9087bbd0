"""Gives tox one environment for each row of perf/scenarios.toml, and an end in order.

Such an environment installs nothing. It runs the environment of its row's family for this
row alone, so all scenarios of a family share one copy of torch.

tox has no handler for SIGTERM. One that reaches tox alone would end it at once, and the
run that it started would go on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from tox.config.loader.memory import MemoryLoader
from tox.config.sets import ConfigSet
from tox.config.types import Command
from tox.plugin import impl
from tox.report import HandledError
from tox.session.state import State

_ROOT = Path(__file__).parent
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def scenario_families() -> dict[str, str]:
    """Return the family of each row of the table, by the row's name, in table order.

    Raises HandledError, which tox tells in one line, where the table cannot be read.
    """
    table = _ROOT / "perf" / "scenarios.toml"
    try:
        rows = tomllib.loads(table.read_text("utf-8"))["scenario"]
        return {row["name"]: row.get("family", "main") for row in rows}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise HandledError(f"{table}: {fault!r}") from None


@impl
def tox_extend_envs() -> Iterable[str]:
    """Return the names of the environments."""
    return list(scenario_families())


@impl
def tox_add_core_config(core_conf: ConfigSet, state: State) -> None:  # noqa: ARG001 -- tox passes it by name
    """Define what each environment runs, and what a signal does."""
    _end_at_signals()
    posargs = state.conf.pos_args(None) or ()
    tox = [sys.executable, "-m", "tox", "run", "-c", str(_ROOT), "-e"]
    for name, family in scenario_families().items():
        environment = "perf" if family == "main" else family
        command = Command([*tox, environment, "--", "--perf-scenario", name, *posargs])
        loader = MemoryLoader(
            description=f"measure the scenario {name} and its reference",
            package="skip",
            commands=[command],
            allowlist_externals=[sys.executable],
        )
        state.conf.memory_seed_loaders[name].append(loader)


def _end_at_signals() -> None:
    """Pass SIGTERM and SIGHUP on to what tox runs, and then end as after Ctrl-C.

    A signal that is ignored stays so: `nohup` makes a run outlive its terminal.
    """
    for number in _PASSED_ON:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: object) -> None:
    for one in _PASSED_ON:  # a second signal must not interrupt the end
        signal.signal(one, signal.SIG_IGN)
    for pid in _children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    raise KeyboardInterrupt


def _children() -> list[int]:
    """Return the processes that this one has started."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            _, parent, *_ = file.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(parent) == os.getpid():
                found.append(int(file.parent.name))
    return found
