"""The host of one arm: a process that runs a scenario with the code of its own tree.

    python -m perf.experiment.against.host FD

A run that compares two trees starts one host in each of them, so both are measured in the
same way. The host answers the requests of `perf.experiment.against.hosted` until the pipe
is closed. All its servers and jobs end with it.
"""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from perf.config.options import Options
from perf.config.reading import read_settings
from perf.config.scenario import Scenario
from perf.experiment.against.protocol import (
    PROTOCOL,
    Message,
    block_message,
    counts_message,
)
from perf.experiment.arms import Arm, MeasuredBlock
from perf.experiment.lab import Lab
from perf.machine.lock import session_name
from perf.machine.versions import versions
from serving.child import serve
from serving.errors import ConfigError, PerfError
from serving.model.cache import archive_digest
from serving.runtimes.choice import RuntimeChoice, make_runtime


class Host:
    """Holds the arm, and does what the requests say."""

    def __init__(self) -> None:
        """Begin without an arm; `open` makes it."""
        self._stack = ExitStack()
        self._arm: Arm | None = None
        self._last: MeasuredBlock | None = None

    def answer(self, request: object) -> Message:
        """Do what a request says; return its value, or the fault that prevented it."""
        assert isinstance(request, dict)
        requests = {
            "open": self._open,
            "relaunch": self._relaunch,
            "warm up": self._warm_up,
            "block": self._block,
            "check": self._check,
            "observed": self._observed,
            "log tail": self._log_tail,
            "stop": self._stop,
        }
        reply = {"to": request["do"]}
        try:
            return {**reply, "value": requests[request["do"]](request)}
        except PerfError as fault:
            wrong_use = isinstance(fault, ConfigError)
            return {**reply, "fault": str(fault), "wrong use": wrong_use}

    def close(self) -> None:
        """Stop the server and the jobs."""
        self._stack.close()

    def _open(self, request: Message) -> Message:
        if request["protocol"] != PROTOCOL:
            return {"protocol": PROTOCOL}
        options = Options(request["options"])
        settings = read_settings(options, Path.cwd())
        if options.unknown:
            names = ", ".join(options.unknown)
            raise ConfigError(f"it does not know the option {names}")
        choice = RuntimeChoice.make(settings.runtime, settings.device)
        runtime = make_runtime(choice, session_name(), port=0, docker=settings.docker)
        lab = Lab(settings, runtime)
        self._stack.callback(lab.close)
        (row,) = settings.scenarios
        if refusal := lab.refusal(row):
            raise ConfigError(refusal)
        self._arm = lab.arm(row)
        self._stack.callback(self._arm.stop)
        return {
            "protocol": PROTOCOL,
            "slots": self._arm.slots,
            "block_images": self._arm.block_images,
            "facts": _facts(lab, row),
            "pids": self._pids(),
        }

    def _relaunch(self, _: Message) -> Message:
        arm = self._opened
        arm.relaunch()
        return {"pids": self._pids(), "describe": dict(arm.describe())}

    def _warm_up(self, _: Message) -> Message:
        self._last = self._opened.warm_up()
        return block_message(self._last)

    def _block(self, _: Message) -> Message:
        self._last = self._opened.block()
        return block_message(self._last)

    def _check(self, _: Message) -> Message:
        assert self._last is not None
        return counts_message(self._opened.check(self._last))

    def _observed(self, _: Message) -> Message:
        return dict(self._opened.observed())

    def _log_tail(self, _: Message) -> str:
        return self._opened.log_tail()

    def _stop(self, _: Message) -> None:
        if self._arm:
            self._arm.stop()

    def _pids(self) -> dict[str, list[int]]:
        arm = self._opened
        return {"jobs": list(arm.job_pids()), "server": list(arm.server_pids())}

    @property
    def _opened(self) -> Arm:
        assert self._arm is not None, "`open` comes first"
        return self._arm


def _facts(lab: Lab, row: Scenario) -> dict[str, str]:
    """Return what may explain a difference between two trees, as texts."""
    choice = lab.settings.model
    model: dict[str, Any] = {
        "model": choice.name,
        "checkpoint": archive_digest(choice.path or lab.artifacts.checkpoint)[:12],
    }
    spec = {name: str(value) for name, value in row.flat().items() if name != "name"}
    return {**spec, **model, **versions()}


def main() -> None:
    """Answer requests until the other end closes the pipe."""
    host = Host()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve(host.answer)
    finally:
        host.close()


if __name__ == "__main__":
    main()
