"""What decoding costs: the model's inputs made of photographs, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

from serving.child import Child, serve
from serving.environment import computing
from serving.model.standalone.images import Picture

_ANSWER_S = 60.0
_TARGET_S = 0.5


class Decode(NamedTuple):
    """Decode `images` in turn for about half a second, as `preprocess` says."""

    preprocess: Path
    images: tuple[str, ...]


class Decoder:
    """The process that decodes; `stop` ends it."""

    def __init__(self, preprocess: Path, images: Sequence[str]) -> None:
        """Start it; raises ChildError later, where it dies."""
        self._request = Decode(preprocess, tuple(images))
        self._child = Child("perf.machine.decoding", computing(1, "retain"))

    @property
    def pids(self) -> tuple[int, ...]:
        """The root of its process tree."""
        return (self._child.pid,)

    def cpu_ms_per_image(self) -> float:
        """Return the CPU time of an image at this moment; raises ChildError."""
        return cast("float", self._child.call(self._request, _ANSWER_S))

    def stop(self) -> None:
        """End the process; idempotent."""
        self._child.stop()


def main() -> None:
    """Answer requests until the other end closes the pipe."""
    serve(_answer)


def _answer(request: object) -> float:
    assert isinstance(request, Decode)
    picture = Picture.read(request.preprocess)
    bodies = [Path(image).read_bytes() for image in request.images]
    images, begun_s = 0, time.process_time()
    while (used_s := time.process_time() - begun_s) < _TARGET_S:
        picture.array(bodies[images % len(bodies)])
        images += 1
    return 1e3 * used_s / images


if __name__ == "__main__":
    # Requests are pickled under the module's own name.
    from perf.machine.decoding import main as importable_main

    importable_main()
