"""An arm whose server and jobs run in another process, with the code of a given tree."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from perf.experiment.against.protocol import (
    HOST,
    PROTOCOL,
    Message,
    read_block,
    read_counts,
)
from perf.experiment.against.tree import Tree
from perf.experiment.answers import Counts
from perf.experiment.arms import MeasuredBlock
from perf.load.pools.base import OnRecord
from serving.child import Child, ChildError, Source
from serving.errors import ConfigError, PerfError

_OPEN_S = 1800.0  # a model may have to be built
_LAUNCH_S = 900.0  # beside a server's start: the old one stops, an image may be built
_BLOCK_S = 3600.0
_ANSWER_S = 120.0
_STOP_S = 60.0
_JOB_LIMIT = re.compile(r"within \S+ s \(--perf-job-timeout\)")


class HostedError(PerfError):
    """A host could not do what it was asked, or died; the message names its tree."""

    def __init__(self, label: str, why: object) -> None:
        super().__init__(f"{label}: {why}")
        self.label = label
        """What the tree is called."""


class HostedArm:
    """One scenario of `tree`, measured by a host that runs there."""

    def __init__(  # noqa: PLR0913 -- a host needs all of these
        self,
        tree: Tree,
        python: str,
        options: Mapping[str, object],
        option: str,
        *,
        startup_timeout_s: float,
        job_timeout_s: float,
    ) -> None:
        """Start the host, and let it build its model.

        `options` are the run's options (see `perf.config.options`); they name one scenario.
        `option` is what a message about wrong use begins with. `startup_timeout_s` is how
        long a server may take to become ready. `job_timeout_s` is what messages give as the
        limit of a job: in turns, `options` have a longer one.

        Raises ConfigError where the tree cannot take part, and PerfError where its model
        cannot be built.
        """
        self._tree = tree
        self._option = option
        self._launch_s = _LAUNCH_S + startup_timeout_s
        self._job_limit = f"within {job_timeout_s:g} s (--perf-job-timeout)"
        self._stopped = False
        self._relaunching = False
        self._has_run = False  # any job, in this launch
        self._busy = False  # with a request that was not answered yet
        self.keeps_jobs = False
        """Whether jobs of later launches come from the processes of the first one."""
        self._child = Child(HOST, source=Source(python, tree.root))
        try:
            opened = self._open(options)
        except BaseException:
            self.stop()
            raise
        self.facts: Mapping[str, str] = opened["facts"]
        self._pids: Mapping[str, list[int]] = opened["pids"]
        self._described: Mapping[str, str] = {}
        self.slots: int = opened["slots"]
        self.block_images: int = opened["block_images"]

    def host_pids(self) -> tuple[int, ...]:
        """Return the process of the host."""
        return (self._child.pid,)

    def begin_relaunch(self) -> None:
        """Let the host begin; `relaunch` waits for it."""
        self._send("relaunch")
        self._relaunching = True

    def relaunch(self) -> None:
        """Stop the server, if there is one, and start a new one; raises PerfError."""
        if not self._relaunching:
            self.begin_relaunch()
        self._relaunching = False
        launched = self._receive("relaunch", self._launch_s)
        if self._has_run and launched["pids"]["jobs"] == self._pids["jobs"]:
            self.keeps_jobs = True
        self._has_run = False
        self._pids, self._described = launched["pids"], launched["describe"]

    def warm_up(self) -> MeasuredBlock:
        """Run a block that is not measured."""
        self._has_run = True
        return read_block(self._ask("warm up", _BLOCK_S))

    def block(self, on_record: OnRecord | None = None) -> MeasuredBlock:
        """Run one block; `on_record` is called for each job when the block has ended."""
        self.begin_block()
        block = self.end_block()
        for record in block.run.records if on_record else ():
            assert on_record
            on_record(record)
        return block

    def begin_block(self) -> None:
        """Let the host begin a block; `end_block` waits for it."""
        self._send("block")

    def has_ended(self, timeout_s: float) -> bool:
        """Wait for the end of the block, so long at most; return whether it has ended.

        A host that died has ended too: `end_block` says why.
        """
        return self._child.has_answered(timeout_s)

    def end_block(self) -> MeasuredBlock:
        """Return the block that was begun; raises PerfError."""
        return read_block(self._receive("block", _BLOCK_S))

    def check(self, block: MeasuredBlock) -> Counts:  # noqa: ARG002 -- the host has kept its answers
        """Return how many jobs of the last block were bad, as the host's tree sees it."""
        counts = read_counts(self._ask("check", _ANSWER_S))
        counts.first_error = _JOB_LIMIT.sub(self._job_limit, counts.first_error)
        return counts

    def observed(self) -> Mapping[str, int | str]:
        """Return the settings that the server reports; raises PerfError."""
        observed: Mapping[str, int | str] = self._ask("observed", _ANSWER_S)
        return observed

    def job_pids(self) -> tuple[int, ...]:
        """Return the root processes of the jobs."""
        return tuple(self._pids["jobs"])

    def server_pids(self) -> tuple[int, ...]:
        """Return the root processes of the server."""
        return tuple(self._pids["server"])

    def describe(self) -> Mapping[str, str]:
        """Return what the host knows about its server."""
        return self._described

    def log_tail(self) -> str:
        """Return the last lines of the server's log."""
        return str(self._ask("log tail", _ANSWER_S))

    def stop(self) -> None:
        """Stop the server and the host; idempotent.

        A host that is still busy, as after Ctrl-C, is not waited for: it is interrupted.
        """
        if self._stopped:
            return
        self._stopped = True
        try:
            if self._busy:
                self._child.interrupt()
            else:
                with contextlib.suppress(PerfError):
                    self._ask("stop", _STOP_S)
        finally:
            self._child.stop(_STOP_S)

    def _open(self, options: Mapping[str, object]) -> Message:
        request = {"protocol": PROTOCOL, "options": dict(options)}
        opened: Message = self._ask("open", _OPEN_S, **request)
        if opened["protocol"] != PROTOCOL:
            raise ConfigError(
                f"{self._option}: it uses protocol {opened['protocol']}, and this tree "
                f"{PROTOCOL}; compare with a revision closer to this one"
            )
        return opened

    def _ask(self, what: str, timeout_s: float, **more: object) -> Any:  # noqa: ANN401 -- a message's value
        self._send(what, **more)
        return self._receive(what, timeout_s)

    def _send(self, what: str, **more: object) -> None:
        self._busy = True
        with self._named():
            self._child.send({"do": what, **more})

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Name the tree in the message of a host that died, or does not answer."""
        try:
            yield
        except ChildError as fault:
            raise HostedError(self._tree.label, fault) from None

    def _receive(self, what: str, timeout_s: float) -> Any:  # noqa: ANN401 -- a message's value
        deadline_s = time.monotonic() + timeout_s
        while True:
            with self._named():
                reply = self._child.receive(deadline_s)
            assert isinstance(reply, dict)
            if reply["to"] == what:  # an interrupted request may have left its reply
                break
        self._busy = False
        if "fault" not in reply:
            return reply["value"]
        if reply["wrong use"]:
            raise ConfigError(f"{self._option}: {reply['fault']}")
        raise HostedError(self._tree.label, reply["fault"])
