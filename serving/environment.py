"""The environment of a process that computes a model: its threads, its allocator."""

from __future__ import annotations

from typing import Literal

Allocator = Literal["retain", "default"]

# glibc returns large blocks to the system as soon as they are freed, and asks for them
# again with the next batch. That is tens of thousands of page faults for each batch, and
# the number differs by a third from launch to launch. With these limits it keeps the blocks
# (https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html).
# Other C libraries ignore the variables.
_RETAIN = {
    "MALLOC_MMAP_THRESHOLD_": str(4 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(8 << 30),
    "MALLOC_TOP_PAD_": str(256 << 20),
}


def computing(threads: int, allocator: Allocator) -> dict[str, str]:
    """Return the variables of a process that computes with `threads` threads.

    With the allocator `retain` freed memory stays with the process; with `default` the
    system's settings are not changed.
    """
    kept = _RETAIN if allocator == "retain" else {}
    return {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        # Otherwise a card rounds fp32 to ten bits of mantissa.
        "NVIDIA_TF32_OVERRIDE": "0",
        **kept,
    }
