"""A model so small that a run spends its time in the suite itself.

`python -m tests.support.tiny FILE` scripts and saves it. torch reads the source code, so
the model needs a file of its own.
"""

from __future__ import annotations

import sys

import torch


class Tiny(torch.nn.Module):
    """A classifier of ten classes, by the mean colour of the image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n, 10) for images of shape (n, 3, height, width)."""
        weight = torch.linspace(-3.0, 3.0, 30).reshape(3, 10)
        return x.mean(dim=(2, 3)) @ weight


if __name__ == "__main__":
    torch.jit.script(Tiny()).save(sys.argv[1])
