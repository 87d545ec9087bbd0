"""One job that decodes its photograph itself and POSTs the model's input.

What the server saves the job spends: which is better is a question of who has a core to
spare.
"""

from __future__ import annotations

from pathlib import Path

from perf.load.jobs.client import ask
from perf.load.jobs.targets import Address
from perf.load.record import Classes
from serving.model.standalone.classify import Picture, npy

_pictures: dict[str, Picture] = {}


def prepare(target: object) -> None:
    """Read how the model wants its pictures, before jobs are forked."""
    assert isinstance(target, Address)
    if target.preprocess not in _pictures:
        _pictures[target.preprocess] = Picture.read(Path(target.preprocess))


def run(image: str, target: object) -> Classes:
    """Return the server's five likeliest classes for the photograph at path `image`.

    Raises as `perf.load.jobs.client.run` does, and OSError where it is no photograph.
    """
    assert isinstance(target, Address)
    picture = _pictures[target.preprocess].array(Path(image).read_bytes())
    return ask(target, npy(picture), "application/octet-stream")
