"""The kinds of work: what a job does with its input, and how its answer is checked.

Each kind is one file of this folder. Jobs import it, and a copy of it runs in every server,
so it imports nothing of this project. It needs one model, that of the run, and offers

    CONTENT_TYPE                      what a job sends
    make_batch(preprocess, threads)   an object whose `inputs(bodies)` makes a model's input
    answer(logits)                    the answer for one input, ready for JSON
    label(logits)                     what two engines must agree on
    parse(raw)                        the answer read from JSON, as jobs return it
    differs(found, expected, tolerance)   what is wrong with an answer, or ""

`logits` is the model's output for one input, float32.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.errors import ConfigError

Answer = Any
"""An answer as jobs return it. It can be pickled; its form depends on the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of work."""

    name: str
    """The name that a row of the table uses."""

    file: str
    """Its file in this folder, without .py."""

    stock_handler: bool = False
    """Whether TorchServe's own image classifier does this work."""

    @property
    def source(self) -> Path:
        """The file that is copied to where a server runs."""
        return Path(__file__).with_name(f"{self.file}.py")

    @property
    def module(self) -> str:
        """The name under which jobs import it."""
        return f"{__name__}.{self.file}"

    def load(self) -> Any:  # noqa: ANN401 -- a module: what it offers stands above
        """Return the imported module."""
        return importlib.import_module(self.module)


CLASSIFICATION = Work(name="classification", file="classification", stock_handler=True)
WORKS: Mapping[str, Work] = {
    CLASSIFICATION.name: CLASSIFICATION,
}


def find_work(name: str) -> Work:
    """Return the kind of work called `name`. Raises ConfigError where there is none."""
    if name not in WORKS:
        known = ", ".join(WORKS)
        raise ConfigError(
            f"perf/scenarios.toml: work {name}: no such kind of work; known: {known}"
        )
    return WORKS[name]
