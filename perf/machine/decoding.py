"""The cost of decoding: making the model's input from an image file, in its own process."""

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
    """A request: decode image files in turn for about half a second."""

    preprocess: Path
    """The file with the settings of the preprocessing."""

    images: tuple[str, ...]
    """The paths of the image files."""


class Decoder:
    """The process that decodes; `stop` ends it."""

    def __init__(self, preprocess: Path, images: Sequence[str]) -> None:
        """Start the process."""
        self._request = Decode(preprocess, tuple(images))
        self._child = Child("perf.machine.decoding", computing(1, "retain"))

    @property
    def pids(self) -> tuple[int, ...]:
        """The root of its process tree."""
        return (self._child.pid,)

    def cpu_ms_per_image(self) -> float:
        """Decode images now, and return the CPU time of one; raises ChildError."""
        return cast("float", self._child.call(self._request, _ANSWER_S))

    def stop(self) -> None:
        """End the process; idempotent."""
        self._child.stop()


def main() -> None:
    """Answer requests until the other end closes the pipe."""
    serve(_answer)


def _answer(request: object) -> float:
    assert isinstance(request, Decode)
    preprocessing = Picture.read(request.preprocess)
    files = [Path(image).read_bytes() for image in request.images]
    decoded, begun_s = 0, time.process_time()
    while (used_s := time.process_time() - begun_s) < _TARGET_S:
        preprocessing.array(files[decoded % len(files)])
        decoded += 1
    return 1e3 * used_s / decoded


if __name__ == "__main__":
    # Pickled requests name this module, so their classes must not come from __main__.
    from perf.machine.decoding import main as importable_main

    importable_main()
