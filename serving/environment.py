"""The environment of a process that computes a model: its threads, its allocator."""

from __future__ import annotations

from typing import Literal

Allocator = Literal["retain", "default"]

# glibc gives big blocks back to the system as soon as they are freed, and asks for them
# again with the next batch: tens of thousands of page faults each time, in a number that
# differs from launch to launch by a third. Beyond these sizes it does so never
# (https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html).
# Another C library takes no notice.
_RETAIN = {
    "MALLOC_MMAP_THRESHOLD_": str(4 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(8 << 30),
    "MALLOC_TOP_PAD_": str(256 << 20),
}


def computing(threads: int, allocator: Allocator) -> dict[str, str]:
    """Return the variables of a process that computes on so many threads.

    With the allocator `retain` memory that is freed stays with the process, with `default`
    the system's settings are left alone.
    """
    kept = _RETAIN if allocator == "retain" else {}
    return {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        # On a card fp32 would be rounded to ten bits of mantissa, and be no fp32.
        "NVIDIA_TF32_OVERRIDE": "0",
        **kept,
    }
