"""What computes a model: the CPU, or a CUDA card that torch finds."""

from __future__ import annotations

import functools
from typing import Literal, NamedTuple

from serving.child import Child, serve

Device = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = ("cpu", "cuda")

_ANSWER_S = 120.0  # the first process that loads CUDA's libraries reads gigabytes


class Card(NamedTuple):
    """The first card, as torch names it; where there is none, `missing` says why."""

    name: str
    missing: str = ""


@functools.cache
def find_card() -> Card:
    """Ask torch, in a process that ends: the one that measures must not load it.

    Raises ChildError.
    """
    child = Child("serving.device")
    try:
        card = child.call("card", _ANSWER_S)
    finally:
        child.stop()
    assert isinstance(card, Card)
    return card


def main() -> None:
    """Answer until the other end closes the pipe."""
    serve(_card)


def _card(_request: object) -> Card:
    import torch  # noqa: PLC0415 -- not needed where it is only asked

    if torch.version.cuda is None:
        return Card("", f"torch {torch.__version__} is built for the CPU alone")
    if not torch.cuda.is_available():
        return Card("", f"torch {torch.__version__} finds no CUDA card")
    return Card(torch.cuda.get_device_name(0))


if __name__ == "__main__":
    # The answer is pickled under the module's own name.
    from serving.device import main as importable_main

    importable_main()
