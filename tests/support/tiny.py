"""A model so small that what is left of a run is the suite itself.

`python -m tests.support.tiny FILE` scripts it: torch reads the source, so it needs a file.
"""

from __future__ import annotations

import sys

import torch


class Tiny(torch.nn.Module):
    """Ten classes, by the mean colour alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n, 10) for pictures of shape (n, 3, height, width)."""
        weight = torch.linspace(-3.0, 3.0, 30).reshape(3, 10)
        return x.mean(dim=(2, 3)) @ weight


if __name__ == "__main__":
    torch.jit.script(Tiny()).save(sys.argv[1])
