"""The kernel's page cache, which keeps files in memory that were read or written."""

from __future__ import annotations

import os
from pathlib import Path


def forget(file: Path) -> None:
    """Drop a file's pages from the page cache, so that the next reader fills new ones.

    Pages that a process has mapped, or that are not yet written to disk, stay. On systems
    without posix_fadvise nothing happens.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
