"""A child process that does what each request says; test_child runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from serving.child import serve
from serving.errors import ArtifactError, ServerError

_GRANDCHILD = "import signal; signal.pause()"


def answer(request: object) -> object:
    """Do what the request says; return any other request as it is."""
    match request:
        case "refuse":
            raise ArtifactError("--perf-model x: no such file")
        case "fail to serve":
            raise ServerError("it died", log_tail="its last words")
        case "fail":
            raise RuntimeError("what nobody foresaw")
        case "exit":
            sys.stdout.write("".join(f"line {n}\n" for n in range(30)))
            sys.stdout.flush()
            os._exit(3)
        case "shut up":
            os.close(int(sys.argv[1]))
            signal.pause()
        case "hang":
            signal.pause()
        case "breed":
            return subprocess.Popen([sys.executable, "-c", _GRANDCHILD]).pid
        case ("environment", name):
            return os.environ.get(str(name))
    return request


if __name__ == "__main__":
    serve(answer)
