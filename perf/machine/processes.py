"""The process table: which process belongs to which tree, its CPU time and its memory."""

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
"""The part whose trees are not counted: they run, but are not being measured."""

_PSS = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the CPU time, in seconds, that the trees under `roots` have used so far.

    For each living process, that is its own CPU time and that of its children that ended
    and that it has waited for. So jobs that ended are counted, and none twice. Not counted
    are the ended children of a process that ignores SIGCHLD, and orphans, which leave the
    tree.
    """
    return sum(process.cpu_s for _, _, process in walk({"": tuple(roots)}))


class Process(NamedTuple):
    """One entry of the process table."""

    parent: int
    """The parent's process id."""

    started: float
    """The time of its start, which tells two processes with the same id apart."""

    cpu_s: float
    """Its CPU time, and that of its ended children that it has waited for."""

    rss_bytes: int

    name: str
    """The name of its program, without arguments."""


Table = Mapping[int, Process]
"""All processes of this system, by their ids."""


def read_table() -> Table:
    """Return all processes."""
    read = _read_proc if sys.platform == "linux" else _read_psutil
    return {pid: process for pid in psutil.pids() if (process := read(pid)) is not None}


def walk(
    roots: Mapping[str, tuple[int, ...]], table: Table | None = None
) -> Iterator[tuple[str, int, Process]]:
    """Yield (part, pid, process) once for each process in the trees, parents first.

    `roots` maps the name of a part to the roots of its trees. A process belongs to its
    nearest root. Processes of the part `IGNORED` are left out. Without a `table` it is read
    now.
    """
    # The whole table is read in one pass. To walk from child to child would need a file for
    # every thread (/proc/PID/task/*/children), and a server has hundreds of threads.
    read = _read_proc if sys.platform == "linux" else _read_psutil
    table = read_table() if table is None else table
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
            # It was read before its parent. If it has ended since then, the parent may
            # have counted its CPU time too.
            again = read(pid)
            if again is None or again.started != process.started:
                continue
            process = again
        if part != IGNORED:
            yield part, pid, process
        pending.extend((child, part) for child in children[pid] if child not in owner)


def _read_proc(pid: int) -> Process | None:
    """Read /proc/PID/stat (proc_pid_stat(5)); return None where the process is gone.

    psutil reads several files for this and takes three times as long.
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
        name=line[line.index(b"(") + 1 : line.rindex(b")")].decode("utf-8", "replace"),
    )


def _read_psutil(pid: int) -> Process | None:
    """Do the same on other systems; return None where the process is gone or hidden."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            cpu_s = times.user + times.system
            cpu_s += getattr(times, "children_user", 0.0)
            cpu_s += getattr(times, "children_system", 0.0)
            rss = process.memory_info().rss
            return Process(
                process.ppid(), process.create_time(), cpu_s, rss, process.name()
            )
    except psutil.Error:
        return None


def pss_bytes(pids: Iterable[int]) -> int | None:
    """Return the PSS of all processes together, in bytes.

    Processes that have ended count as 0. Returns None where the PSS of any cannot be read.
    """
    total = 0
    for pid in pids:
        try:
            found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_bytes())
        except ProcessLookupError:
            continue  # it has ended, though perhaps nobody has waited for it
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
