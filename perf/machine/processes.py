"""The process table: who belongs to which tree, the CPU and the memory of each."""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

IGNORED = "ignored"
"""The part whose trees count for nothing: what is up, but not of the experiment."""

_PSS = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the CPU, in seconds, that the trees under `roots` have used so far.

    Each living process counts with what it used itself and what the children used that it
    has waited for, so jobs that ended still count, and none twice. Not counted are
    children of a parent that ignores SIGCHLD, and orphans, which leave the tree.
    """
    return sum(process.cpu_s for _, _, process in walk({"": tuple(roots)}))


class Process(NamedTuple):
    """One line of the process table; `started` tells apart two lives of one pid."""

    parent: int
    started: float
    cpu_s: float
    rss_bytes: int


def walk(roots: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, int, Process]]:
    """Yield (part, pid, process) for each process in the trees, once, parents first.

    A process belongs to its nearest root; those of the part `IGNORED` are left out.
    """
    # One pass over the table and not a walk from child to child: by
    # /proc/PID/task/*/children every thread costs a file, and a server has hundreds.
    read = _read_proc if sys.platform == "linux" else _read_psutil
    table = {pid: process for pid in psutil.pids() if (process := read(pid)) is not None}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, process in table.items():
        children[process.parent].append(pid)
    owner = {pid: part for part, pids in roots.items() for pid in pids if pid in table}
    pending = list(owner.items())
    seen: set[int] = set()
    while pending:
        pid, part = pending.pop()
        process = table[pid]
        if pid in seen:
            continue
        seen.add(pid)
        if pid < process.parent:
            # Read before its parent, which may have counted its end: see whether it lives.
            again = read(pid)
            if again is None or again.started != process.started:
                continue
            process = again
        if part != IGNORED:
            yield part, pid, process
        pending.extend((child, part) for child in children[pid] if child not in owner)


def _read_proc(pid: int) -> Process | None:
    """Read /proc/PID/stat (proc_pid_stat(5)); None where the process has gone.

    A third of the cost of psutil's objects, which read several files for the same.
    """
    try:
        stat = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
        try:
            line = os.read(stat, 1024)
        finally:
            os.close(stat)
    except OSError:
        return None
    fields = line[line.rindex(b")") + 2 :].split(None, 22)
    ticks = int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])
    return Process(
        parent=int(fields[1]),
        started=float(fields[19]),
        cpu_s=ticks / os.sysconf("SC_CLK_TCK"),
        rss_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
    )


def _read_psutil(pid: int) -> Process | None:
    """Do the same on other systems; None where the process has gone or is hidden."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            cpu_s = times.user + times.system
            cpu_s += getattr(times, "children_user", 0.0)
            cpu_s += getattr(times, "children_system", 0.0)
            rss = process.memory_info().rss
            return Process(process.ppid(), process.create_time(), cpu_s, rss)
    except psutil.Error:
        return None


def pss_bytes(pids: Iterable[int]) -> int | None:
    """Return the PSS of all, without those that ended; None where one is hidden."""
    total = 0
    for pid in pids:
        try:
            found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_bytes())
        except ProcessLookupError:
            continue  # ended, and perhaps not yet waited for
        except FileNotFoundError:
            if psutil.pid_exists(pid):
                return None  # a kernel without smaps_rollup
            continue
        except PermissionError:
            return None
        if found is None:
            return None
        total += int(found[1]) * 1024
    return total
