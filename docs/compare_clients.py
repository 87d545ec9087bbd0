"""Compare the suite's client with other load generators, against the null server.

    python docs/compare_clients.py [--rate RPS] [--seconds S] [--locust PROGRAM]
        [--aiperf PROGRAM] [--wrk PROGRAM] [--ab PROGRAM]

Each one is measured twice: as fast as it can, with 64 requests under way, and at a rate, if
it can offer one. The table on standard output has the requests a second, the CPU time of a
request (of the load generator alone, with its children), and p99 as it reports it. A
program that is missing is left out, and named.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from perf.load.arrivals.base import Arrivals  # noqa: E402 -- needs the path set above
from perf.load.arrivals.closed import ClosedLoop  # noqa: E402 -- needs the path set above
from perf.load.arrivals.constant import ConstantRate  # noqa: E402 -- needs the path set above
from perf.load.jobs.targets import Address  # noqa: E402 -- needs the path set above
from perf.load.pools.open_loop import OpenLoopPool  # noqa: E402 -- needs the path set above
from perf.load.record import BlockRequest  # noqa: E402 -- needs the path set above

SLOTS = 64
BODY_BYTES = 50_000
PATH = "/predictions/model"
_ANSWER = '{"281": 0.5}'
_TEXT_ANSWER = '{"text": "cat"}'
"""AIPerf counts an answer without a text as failed."""

_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one load generator did, by its own report but for the CPU time."""

    rps: float
    p99_ms: float
    cpu_ms: float = 0.0
    """CPU milliseconds of a request; filled in from outside."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a load generator is asked to do."""

    port: int
    seconds: float
    rate_rps: float | None
    """None for as fast as it can."""

    body: Path
    folder: Path

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self.port}{PATH}"


Tool = Callable[[str, Task], Seen]


def ours(_: str, task: Task) -> Seen:
    """Run the suite's standing client."""
    arrivals: Arrivals = ClosedLoop()
    jobs = int(2000 * task.seconds)
    if task.rate_rps:
        arrivals, jobs = ConstantRate(task.rate_rps), int(task.rate_rps * task.seconds)
    target = Address("127.0.0.1", task.port, PATH, 30.0)
    slots = 900 if task.rate_rps else SLOTS
    pool = OpenLoopPool("perf.load.jobs.client", {})
    try:
        request = BlockRequest((str(task.body),) * jobs, slots, 30.0, target, arrivals)
        block = pool.run(request)
    finally:
        pool.stop()
    assert not any(one.error for one in block.records)
    latency_ms = [one.latency_ms for one in block.records]
    late_ms = [1e3 * (one.launched_s - one.scheduled_s) for one in block.records]
    if task.rate_rps:
        print(f"ours: p99 lateness {np.quantile(late_ms, 0.99):.3f} ms")  # noqa: T201 -- a script
    rps = len(block.records) / block.duration_s
    cpu_ms = 1e3 * block.totals.jobs_cpu_s / len(block.records)
    return Seen(rps, float(np.quantile(latency_ms, 0.99)), cpu_ms)


def wrk(program: str, task: Task) -> Seen:
    """Run wrk, which knows only a closed loop."""
    script = task.folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\n'
        f'wrk.body = io.open("{task.body}", "rb"):read("*a")\n'
        'wrk.headers["Content-Type"] = "image/jpeg"\n'
    )
    words = [program, "-t1", f"-c{SLOTS}", f"-d{task.seconds:.0f}s", "--latency"]
    text = _run([*words, "-s", str(script), task.url])
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    rps = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert p99, text
    assert rps, text
    return Seen(float(rps[1]), float(p99[1]) * _MS[p99[2]])


def ab(program: str, task: Task) -> Seen:
    """Run ab, which knows only a closed loop and times in whole milliseconds."""
    words = [program, "-k", "-q", f"-c{SLOTS}", f"-t{task.seconds:.0f}", "-n1000000"]
    text = _run([*words, "-p", str(task.body), "-T", "image/jpeg", task.url])
    p99 = re.search(r"^\s+99%\s+(\d+)", text, re.MULTILINE)
    rps = re.search(r"Requests per second:\s+([\d.]+)", text)
    assert p99, text
    assert rps, text
    return Seen(float(rps[1]), float(p99[1]))


_LOCUST = """
from locust import FastHttpUser, constant_throughput, task

BODY = open({body!r}, "rb").read()


class Job(FastHttpUser):
    host = {host!r}
    {wait}

    @task
    def ask(self):
        self.client.post({path!r}, data=BODY, headers={{"Content-Type": "image/jpeg"}})
"""


def locust(program: str, task: Task) -> Seen:
    """Run Locust with its fast client; every user sends at a constant rate."""
    each = None if task.rate_rps is None else task.rate_rps / SLOTS
    file = task.folder / "locustfile.py"
    file.write_text(
        _LOCUST.format(
            body=str(task.body),
            host=f"http://127.0.0.1:{task.port}",
            wait=f"wait_time = constant_throughput({each})" if each else "",
            path=PATH,
        )
    )
    words = [program, "-f", str(file), "--headless", "--only-summary", "-u", str(SLOTS)]
    words += ["-r", str(SLOTS), "-t", f"{task.seconds:.0f}s", "--csv", "found"]
    _run(words, task.folder)
    with (task.folder / "found_stats.csv").open() as opened:
        (row,) = [row for row in csv.DictReader(opened) if row["Name"] == "Aggregated"]
    return Seen(float(row["Requests/s"]), float(row["99%"]))


_TOKENIZER = {
    "version": "1.0",
    "added_tokens": [],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
}
"""Every word is one unknown token; AIPerf's own tokenizers need a download."""


def aiperf(program: str, task: Task) -> Seen:
    """Run AIPerf, which sends JSON and no images: a text of about the same size."""
    tokenizer = task.folder / "tokenizer"
    tokenizer.mkdir(exist_ok=True)
    (tokenizer / "tokenizer.json").write_text(json.dumps(_TOKENIZER))
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(kind))
    words = [program, "profile", "--model", "null", "--url", task.url]
    words += ["--endpoint-type", "template", "--tokenizer", str(tokenizer)]
    words += ["--extra-inputs", 'payload_template:{"text": {{ text|tojson }}}']
    words += ["--extra-inputs", "response_field:text"]
    words += [
        "--synthetic-input-tokens-mean",
        str(BODY_BYTES // 6),
        "--num-dataset-entries",
        "1",
    ]
    words += ["--benchmark-duration", f"{task.seconds:.0f}", "--ui", "none"]
    folder = task.folder / f"aiperf-{task.rate_rps or 'most'}"
    words += ["--artifact-dir", str(folder)]
    if task.rate_rps:
        words += ["--request-rate", str(task.rate_rps), "--arrival-pattern", "constant"]
    else:
        words += ["--concurrency", str(SLOTS)]
    _run(words, task.folder)
    (path,) = folder.rglob("profile_export_aiperf.json")
    found = json.loads(path.read_text("utf-8"))
    return Seen(found["request_throughput"]["avg"], found["request_latency"]["p99"])


TOOLS: dict[str, tuple[Tool, bool]] = {
    "ours": (ours, True),
    "wrk": (wrk, False),
    "ab": (ab, False),
    "locust": (locust, True),
    "aiperf": (aiperf, True),
}
"""Each load generator, and whether it can offer a rate."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    asked = _parser().parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        body = folder / "body.jpg"
        body.write_bytes(bytes(BODY_BYTES))
        for tool, (run, offers) in TOOLS.items():
            program = getattr(asked, tool, sys.executable)
            if not shutil.which(program):
                sys.stderr.write(f"{tool}: {program} is missing, left out\n")
                continue
            rates = (None, asked.rate) if offers else (None,)
            with null_server(_TEXT_ANSWER if run is aiperf else _ANSWER) as port:
                seen = [
                    measured(run, program, Task(port, asked.seconds, rate, body, folder))
                    for rate in rates
                ]
            cells = [f"{v:.3g}" for one in seen for v in (one.rps, one.cpu_ms, one.p99_ms)]
            rows.append([tool, *cells, *([""] * 3 * (2 - len(rates)))])
    columns = ("requests/s", "CPU ms", "p99 ms")
    heads = ["", *(f"{how}: {c}" for how in ("most", "at the rate") for c in columns)]
    sys.stdout.write(tabulate(rows, headers=heads, tablefmt="github") + "\n")
    return 0


def measured(run: Tool, program: str, task: Task) -> Seen:
    """Run one load generator, and add the CPU time that it took."""
    before_s = _children_s()
    seen = run(program, task)
    if seen.cpu_ms:
        return seen
    requests = seen.rps * task.seconds
    return Seen(seen.rps, seen.p99_ms, 1e3 * (_children_s() - before_s) / requests)


@contextmanager
def null_server(answer: str) -> Iterator[int]:
    """Run the null server, and yield its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    app = ROOT / "serving" / "backends" / "apps" / "null_server.py"
    server = subprocess.Popen(
        [sys.executable, "-S", str(app), "127.0.0.1", str(port), answer]
    )
    try:
        _wait_for(port)
        yield port
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int) -> None:
    until_s = time.monotonic() + 30.0
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.05)
        else:
            return


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(words: Sequence[str], folder: Path | None = None) -> str:
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Compare the suite's client with other load generators."
    )
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    for tool in ("wrk", "ab", "locust", "aiperf"):
        parser.add_argument(f"--{tool}", default=tool, help=f"the program {tool}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
