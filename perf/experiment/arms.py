"""The two sides of a pair: jobs that load the model, and jobs that ask a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from perf.experiment.answers import Expected
from perf.load.jobs.targets import Address, LocalModel
from perf.load.pools.child import BlockRun, JobPool
from perf.load.record import BlockRequest, JobRecord
from serving.backends.base import Backend, ServedModel, Server
from serving.runtimes.base import Runtime
from serving.spec import ServerSpec

OnRecord = Callable[[JobRecord], None]


@dataclass(slots=True)
class Load:
    """What a block asks of an arm: images in turn, `slots` at a time, with a deadline.

    `expected` is what every answer is held against.
    """

    images: Sequence[str]
    block_images: int
    slots: int
    deadline_s: float
    expected: Expected
    _taken: int = 0

    def take(self, count: int = 0) -> tuple[str, ...]:
        """Return the next `count` images, or `block_images`; after the last, the first."""
        begin, n = self._taken, count or self.block_images
        self._taken += n
        return tuple(self.images[i % len(self.images)] for i in range(begin, begin + n))


@dataclass(frozen=True, slots=True)
class Block:
    """One finished block, and the images that its records number."""

    run: BlockRun
    images: tuple[str, ...]

    @property
    def throughput_rps(self) -> float:
        """Images a second over the whole block, from the first launch to the last end."""
        return len(self.images) / self.run.duration_s


class Arm(Protocol):
    """One side of a pair. `relaunch` before a launch's first block, `stop` at the end."""

    load: Load

    def relaunch(self) -> None:
        """End the server, if there is one, and start it anew."""

    def block(self, on_record: OnRecord | None = None, images: int = 0) -> Block:
        """Run one block of the load's size, or of `images`."""

    def observed(self) -> Mapping[str, int | str]:
        """Return the server's own settings; raises ServerError where they are wrong."""

    def server_pids(self) -> tuple[int, ...]:
        """Return the roots of the server's process trees."""

    def describe(self) -> Mapping[str, str]:
        """Return what the report should know of the server."""

    def log_tail(self) -> str:
        """Return the last lines of the server's log, or the empty string."""

    def stop(self) -> None:
        """End the server, if there is one; idempotent."""


class LocalArm:
    """Decentralised: every job loads the model. There is no server to manage."""

    def __init__(self, pool: JobPool, model: LocalModel, load: Load) -> None:
        """Run jobs of `model` in `pool`."""
        self.load = load
        self._pool = pool
        self._model = model

    def relaunch(self) -> None:
        """Do nothing: every job is a launch."""

    def block(self, on_record: OnRecord | None = None, images: int = 0) -> Block:
        """Run one block."""
        chosen = self.load.take(images)
        return _block(self._pool, chosen, self.load, self._model, on_record)

    def observed(self) -> Mapping[str, int | str]:
        """Return nothing: there is no server."""
        return {}

    def server_pids(self) -> tuple[int, ...]:
        """Return nothing: there is no server."""
        return ()

    def describe(self) -> Mapping[str, str]:
        """Return nothing: there is no server."""
        return {}

    def log_tail(self) -> str:
        """Return nothing: there is no server."""
        return ""

    def stop(self) -> None:
        """Do nothing: there is no server."""


class ServedArm:
    """Centralised: every job asks one server, which lives for a launch."""

    def __init__(  # noqa: PLR0913 -- a server and its clients, each thing named
        self,
        *,
        pool: JobPool,
        backend: Backend,
        model: ServedModel,
        spec: ServerSpec,
        runtime: Runtime,
        load: Load,
        preprocess: str = "",
    ) -> None:
        """Run client jobs in `pool` against a server of `backend`, not yet started.

        `preprocess` is the file from which jobs that send tensors know how.
        """
        self.load = load
        self._preprocess = preprocess
        self._pool = pool
        self._start: Callable[[], Server] = partial(backend.start, model, spec, runtime)
        self._server: Server | None = None

    def relaunch(self) -> None:
        """Start a fresh server; raises ServerError where it does not become ready."""
        self.stop()
        self._server = self._start()

    def block(self, on_record: OnRecord | None = None, images: int = 0) -> Block:
        """Run one block against the server of this launch."""
        assert self._server is not None
        server = self._server
        target = Address(
            server.host,
            server.port,
            server.predict_path,
            self.load.deadline_s,
            self._preprocess,
            server.wire_format,
        )
        return _block(self._pool, self.load.take(images), self.load, target, on_record)

    def observed(self) -> Mapping[str, int | str]:
        """Return the server's own settings."""
        assert self._server is not None
        return self._server.observed()

    def server_pids(self) -> tuple[int, ...]:
        """Return the roots of the server's process trees, if it runs."""
        return self._server.root_pids() if self._server else ()

    def describe(self) -> Mapping[str, str]:
        """Return what the runtime knows of the server."""
        return self._server.describe() if self._server else {}

    def log_tail(self) -> str:
        """Return the last lines of the server's log, if it runs."""
        return self._server.log_tail() if self._server else ""

    def stop(self) -> None:
        """End the server."""
        server, self._server = self._server, None
        if server:
            server.stop()


def _block(
    pool: JobPool,
    images: tuple[str, ...],
    load: Load,
    target: object,
    on_record: OnRecord | None,
) -> Block:
    request = BlockRequest(images, load.slots, load.deadline_s, target)
    return Block(pool.run(request, on_record), images)
