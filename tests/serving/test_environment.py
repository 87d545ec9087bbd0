"""The effect of the environment on a process that computes."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from serving.environment import Allocator, computing

# Uses and frees 40 MB ten times; prints the page faults of the last nine.
_BATCHES = """
import resource
def batch():
    block = bytearray(40_000_000)
    block[::4096] = b"1" * len(block[::4096])
batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(9):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(allocator: Allocator) -> int:
    """Return the page faults of nine batches that use as much memory as the first one."""
    told = subprocess.check_output(
        [sys.executable, "-c", _BATCHES], env={**os.environ, **computing(1, allocator)}
    )
    return int(told)


def test_threads_are_set_for_every_library() -> None:
    """OpenMP and MKL get the number of threads, and a card keeps fp32."""
    assert computing(3, "default") == {
        "OMP_NUM_THREADS": "3",
        "MKL_NUM_THREADS": "3",
        "NVIDIA_TF32_OVERRIDE": "0",
    }


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own variables")
def test_retained_memory_is_reused() -> None:
    """With glibc's defaults every batch faults in its memory again, page by page."""
    assert faults("default") > 1000
    assert faults("retain") < faults("default") / 10
