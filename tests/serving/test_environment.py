"""What the environment of a process that computes does to it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from serving.environment import Allocator, computing

# Uses and frees 200 MB ten times; prints the page faults of the last nine.
_BATCHES = """
import resource
def batch():
    block = bytearray(200_000_000)
    block[::4096] = b"1" * len(block[::4096])
batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(9):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(allocator: Allocator) -> int:
    """Return how many page faults nine batches cost that use what the first one did."""
    told = subprocess.check_output(
        [sys.executable, "-c", _BATCHES], env={**os.environ, **computing(1, allocator)}
    )
    return int(told)


def test_threads_are_told_to_every_library() -> None:
    """Whichever counts them: OpenMP or MKL; and on a card fp32 stays fp32."""
    assert computing(3, "default") == {
        "OMP_NUM_THREADS": "3",
        "MKL_NUM_THREADS": "3",
        "NVIDIA_TF32_OVERRIDE": "0",
    }


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own variables")
def test_memory_that_is_retained_is_asked_for_once() -> None:
    """With glibc's defaults every batch finds its memory anew, page by page."""
    assert faults("default") > 1000
    assert faults("retain") < faults("default") / 10
