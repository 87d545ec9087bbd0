"""Delay every batch in TorchServe's workers, so that a share of the throughput is lost.

Python imports this file when it starts with this folder on its PYTHONPATH. The variable
SERVING_PERF_LOSS is the share to lose, such as 0.05. Without the variable, or in a process
that is no worker of TorchServe, nothing happens.

The loss is real. Before each batch, the worker computes for a fraction of the usual time
between two batches. So it also uses CPU time that other processes would have had.
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
_REMEMBERED = 9  # batches; their median ignores the wait for a new block


class Delay:
    """Computes before each batch, so that the share `loss` of the throughput is lost."""

    def __init__(self, loss: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the share to lose, at least 0 and less than 1."""
        self._times = loss / (1.0 - loss)
        self._clock = clock
        self._cycles_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._ended_s: float | None = None

    def spend(self) -> None:
        """Compute for the time that a batch should lose; the first batch loses none."""
        now_s = self._clock()
        if self._ended_s is not None:
            self._cycles_s.append(now_s - self._ended_s)
            until_s = now_s + self._times * statistics.median(self._cycles_s)
            while self._clock() < until_s:
                pass
        self._ended_s = self._clock()


class _Slower(importlib.abc.MetaPathFinder):
    """Delays the inference of TorchServe's handler, from which the model's is derived."""

    def __init__(self, delay: Delay) -> None:
        self._delay = delay

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the handler's spec with a changed loader; None for every other module."""
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

            def slow(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401 -- it passes them on
                self._delay.spend()
                return inference(*arguments, **keywords)

            module.ImageClassifier.inference = slow

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # -- this loader is ours alone
        return spec


if "SERVING_PERF_LOSS" in os.environ and any(
    "model_service_worker" in word for word in sys.orig_argv
):
    sys.meta_path.insert(0, _Slower(Delay(float(os.environ["SERVING_PERF_LOSS"]))))
