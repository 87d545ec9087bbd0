"""The kinds of arms: which process runs a job, and what the job does.

A row of the table names its kind in `arm`. Everything that depends on the kind is asked of
the objects here, so a new kind is one more entry and the module of its job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmKind:
    """One kind of arm."""

    name: str
    """The name that a row of the table uses."""

    jobs: Mapping[str, str]
    """The module of its job, for each value of the row's `wire`."""

    pool: str
    """The pool that runs its jobs in a closed loop, by its name in `perf.load.pools`."""

    open_pool: str = ""
    """The pool that runs them at scheduled times; empty where none can."""

    why_closed: str = ""
    """Why none can, as a message says it."""

    served: bool = False
    """Whether its jobs ask a server. Such a row needs `workers`."""

    reloads: bool = False
    """Whether every job loads the model. That is slow, so blocks have fewer images."""

    keeps_memory: bool = False
    """Whether a job process lives for many images, so that its allocator matters."""

    no_cuda: str = ""
    """Why its jobs cannot compute on a CUDA card, or the empty string where they can."""

    def refusal(self, device: Device) -> str:
        """Return why the kind cannot be measured on `device`, or the empty string."""
        return self.no_cuda if device == "cuda" else ""


_JPEG = "jpeg"
_ALL = (
    ArmKind(
        name="decentralized",
        jobs={_JPEG: "perf.load.jobs.decentralized"},
        pool="forked",
        open_pool="forked",  # starting a process is part of such a job
        reloads=True,
    ),
    ArmKind(
        name="decentralized-shared",
        jobs={_JPEG: "perf.load.jobs.shared"},
        pool="forked",
        why_closed="its jobs are forked from a process that holds the model, one after the "
        "other, so they would be late; decentralized-pool has standing processes",
        no_cuda="a forked process cannot use what its parent has on a CUDA card",
    ),
    ArmKind(
        name="decentralized-pool",
        jobs={_JPEG: "perf.load.jobs.decentralized"},
        pool="standing",
        open_pool="standing",
        keeps_memory=True,
    ),
    ArmKind(
        name="served",
        jobs={_JPEG: "perf.load.jobs.client", "tensor": "perf.load.jobs.tensor_client"},
        pool="forked",
        open_pool="open",  # a forked client would pay its own start as lateness
        served=True,
    ),
)
ARM_KINDS: Mapping[str, ArmKind] = {kind.name: kind for kind in _ALL}
