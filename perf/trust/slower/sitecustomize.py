"""Slow every batch in TorchServe's workers down by a share of the server's throughput.

Python imports this file at its start where its folder is on PYTHONPATH. The variable
SERVING_PERF_LOSS is the share to lose, such as 0.05; elsewhere than in a worker, and
without the variable, nothing happens. The loss is real: before each batch the worker
computes for a share of the time from one batch to the next, so whatever else it spends
time on is slowed down too.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

_HANDLER = "ts.torch_handler.image_classifier"
_REMEMBERED = 9  # batches: one that waited for a block to begin does not count


class Delay:
    """Computes before each batch, so that `loss` of the throughput is lost."""

    def __init__(self, loss: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare to lose a share of at least 0 and less than 1."""
        self._times = loss / (1.0 - loss)
        self._clock = clock
        self._cycles_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._ended_s: float | None = None

    def spend(self) -> None:
        """Compute for as long as a batch now costs; nothing before the second one."""
        now_s = self._clock()
        if self._ended_s is not None:
            self._cycles_s.append(now_s - self._ended_s)
            until_s = now_s + self._times * statistics.median(self._cycles_s)
            while self._clock() < until_s:
                pass
        self._ended_s = self._clock()


class _Slower(importlib.abc.MetaPathFinder):
    """Finds the handler that the model's own is derived from, and slows it down."""

    def __init__(self, delay: Delay) -> None:
        self._delay = delay

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the handler's spec, its loader changed; None for everything else."""
        if fullname != _HANDLER:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            inference = module.ImageClassifier.inference

            def slow(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401 -- handed on
                self._delay.spend()
                return inference(*arguments, **keywords)

            module.ImageClassifier.inference = slow

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if "SERVING_PERF_LOSS" in os.environ and any(
    "model_service_worker" in word for word in sys.orig_argv
):
    sys.meta_path.insert(0, _Slower(Delay(float(os.environ["SERVING_PERF_LOSS"]))))
