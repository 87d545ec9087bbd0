"""Run another command to its end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_INTERRUPTED = 130  # 128 and the number of SIGINT, as a shell has it


def run_to_end(command: Sequence[str], folder: Path) -> int:
    """Run `command` in `folder` and return its exit code.

    Ctrl-C reaches the command too, which then stops the servers that it started. So it is
    waited for, and SystemExit is raised afterwards.
    """
    interrupted = False
    with subprocess.Popen(command, cwd=folder) as child:
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:
                interrupted = True
    if interrupted:
        sys.exit(_INTERRUPTED)
    return code
