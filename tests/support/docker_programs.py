"""Programs that tests run in a container: one that tells what it can do, one that waits."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker

from serving.backends.ready import get_json, wait_ready
from serving.runtimes.base import Program
from serving.runtimes.container import LaunchedContainer
from serving.runtimes.docker import DockerRuntime

# Answers every request with what the program can do and see in its container.
SELF_PORTRAIT = """\
import http.server, json, os, pathlib, subprocess, sys

def attempt(action):
    try:
        action()
    except OSError as error:
        return error.strerror
    return "done"

def portrait():
    status = pathlib.Path("/proc/self/status").read_text()
    script = pathlib.Path(os.environ["TMPDIR"], "script")
    script.write_text("#!/bin/sh\\n")
    script.chmod(0o755)
    home = pathlib.Path(sys.argv[2])
    return {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "status": dict(l.split(":\\t", 1) for l in status.splitlines() if ":\\t" in l),
        "first_process": pathlib.Path("/proc/1/comm").read_text().strip(),
        "write_root": attempt(pathlib.Path("/new").touch),
        "write_home": attempt((home / "serve.py").touch),
        "write_beside": attempt((home / "new").touch),
        "run_script": attempt(lambda: subprocess.run([str(script)], check=True)),
        "private": (home / "private.txt").read_text(),
        "environment": dict(os.environ),
    }

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(portrait()).encode())

print("listening", flush=True)
http.server.HTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
"""

WAIT_FOR_A_SIGN = """\
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("waiting")
signal.sigwait({signal.SIGTERM})
"""


def run_waiting(runtime: DockerRuntime, script: str) -> LaunchedContainer:
    """Launch a program that waits for `go_on`, then runs `script`."""
    placement = runtime.place(("main",))
    command = (placement.python, "-uc", WAIT_FOR_A_SIGN + script)
    return runtime.launch(placement, Program(argv=command))


def go_on(engine: docker.DockerClient, launched: LaunchedContainer) -> None:
    """Let a program of `run_waiting` continue, and return when it is dead."""
    wait_ready(launched, lambda: launched.log_tail() or None, 60, "the program")
    engine.api.kill(launched._id, "SIGTERM")
    engine.api.wait(launched._id)


@contextlib.contextmanager
def portrait(
    runtime: DockerRuntime, folder: Path
) -> Iterator[tuple[LaunchedContainer, dict[str, Any]]]:
    """Launch SELF_PORTRAIT; yield the container and the program's answer."""
    private = folder / "private.txt"
    private.write_text("for its owner", encoding="utf-8")
    private.chmod(0o600)
    placement = runtime.place(("main",))
    script = f"{placement.home}/serve.py"
    program = Program(
        argv=(placement.python, script, str(placement.ports["main"]), placement.home),
        files={"serve.py": SELF_PORTRAIT, "private.txt": private},
    )
    launched = runtime.launch(placement, program)
    with stopping(launched):
        seen = wait_ready(
            launched, lambda: get_json(launched.address("main"), "/"), 60, "the portrait"
        )
        yield launched, json.loads(json.dumps(seen))


@contextlib.contextmanager
def stopping(launched: LaunchedContainer) -> Iterator[None]:
    """Stop the container at the end of the block."""
    try:
        yield
    finally:
        launched.stop()


def free_port() -> int:
    """Return the number of a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
