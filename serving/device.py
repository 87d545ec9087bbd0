"""The device that computes a model: the CPU, or a CUDA card that torch finds."""

from __future__ import annotations

import functools
from typing import Literal, NamedTuple

from serving.child import Child, serve

Device = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = ("cpu", "cuda")

_ANSWER_S = 120.0  # the first process to load CUDA's libraries reads gigabytes


class Card(NamedTuple):
    """The first card."""

    name: str
    """Its name in torch; empty where there is none."""
    missing: str = ""
    """Why there is none."""


@functools.cache
def find_card() -> Card:
    """Return the first card. Raises ChildError.

    A process that ends asks torch, because the process that measures must not load it.
    """
    child = Child("serving.device")
    try:
        card = child.call("card", _ANSWER_S)
    finally:
        child.stop()
    assert isinstance(card, Card)
    return card


def main() -> None:
    """Answer requests until the other end closes the pipe."""
    serve(_card)


def _card(_request: object) -> Card:
    import torch  # noqa: PLC0415 -- only the child loads it

    if torch.version.cuda is None:
        return Card("", f"torch {torch.__version__} is built for the CPU only")
    if not torch.cuda.is_available():
        return Card("", f"torch {torch.__version__} finds no CUDA card")
    return Card(torch.cuda.get_device_name(0))


if __name__ == "__main__":
    # The answer's class must be pickled as one of this module, not of "__main__".
    from serving.device import main as importable_main

    importable_main()
