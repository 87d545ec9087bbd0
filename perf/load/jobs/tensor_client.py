"""One job that decodes its image itself and POSTs the model's input.

The job then spends the CPU that the server saves. Which is better depends on who has a
core to spare.
"""

from __future__ import annotations

from pathlib import Path

from perf.load.jobs.client import ask, work_of
from perf.load.jobs.targets import Address
from serving.model.standalone.images import Picture, npy
from serving.work import Answer

_pictures: dict[str, Picture] = {}


def prepare(target: object) -> None:
    """Read how an image becomes the model's input, before jobs are forked."""
    assert isinstance(target, Address)
    work_of(target)
    if target.preprocess not in _pictures:
        _pictures[target.preprocess] = Picture.read(Path(target.preprocess))


def run(image: str, target: object) -> Answer:
    """Return the server's answer for the image file at path `image`.

    Raises as `perf.load.jobs.client.run` does, and OSError where the file is no image.
    """
    assert isinstance(target, Address)
    return ask(target, *body_of(image, target))


def body_of(image: str, target: Address) -> tuple[bytes, str]:
    """Return what a request sends, and its content type; raises OSError."""
    picture = _pictures[target.preprocess].array(Path(image).read_bytes())
    return npy(picture), "application/octet-stream"
