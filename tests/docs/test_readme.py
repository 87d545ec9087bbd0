"""The README keeps its promises: its commands run, and its verdicts are the gate's."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

from perf.judge.judgement import passes
from perf.stats import Verdict
from tests.docs.pages import commands, pages, section, text_of
from tests.support.suite import ROOT

README = text_of("README.md")
_LONGEST_S = 120


def tox(*arguments: str) -> str:
    """Return what tox prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tox", "-c", str(ROOT), *arguments],
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_short() -> None:
    """A stranger reads it in three minutes."""
    assert len(README.splitlines()) <= 130


def test_the_two_commands_come_first() -> None:
    """The main job stands before the tests, and both stand before all other commands."""
    blocks = re.findall(r"^    (\S.*)$", README, re.MULTILINE)
    assert blocks[0] == "python3 -m pip install tox && python3 -m tox -e perf"
    assert blocks[1] == "python3 -m pip install tox && python3 -m tox -e tests"


def test_every_environment_that_is_named_exists() -> None:
    """Each environment that a page names exists, and runs a module that exists."""
    texts = [page.read_text("utf-8") for page in pages()]
    named = {command[2] for text in texts for command in commands(text, "tox -e")}
    named -= {"NAME"}  # a placeholder
    assert {"perf", "tests", "serving-batch"} <= named
    listed = tox("list", "--no-desc", "-q").split()
    assert named <= set(listed)
    config = tox("config", "-e", ",".join(named), "-k", "commands")
    runs = dict(re.findall(r"\[testenv:(.+)\]\ncommands = (.+)", config))
    for name in named - {"lint"}:
        module = re.search(r"python -m (perf\.[\w.]+)", runs[name])
        if module:
            assert importlib.util.find_spec(module[1]), name
        else:
            assert "pytest" in runs[name] or f"--perf-scenario {name}" in runs[name]


def test_the_verdicts_are_those_that_exist() -> None:
    """The table has every verdict once, with the exit codes that the gate gives it."""
    table = section(README, "How to read a verdict")
    rows = re.findall(r"^\| `([a-z ]+)` \| .+ \| (.+) \|$", table, re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(map(str, Verdict))
    for name, codes in rows:
        usual, required = (
            0 if passes(Verdict(name), baseline_required=asked) else 1
            for asked in (False, True)
        )
        wanted = f"{usual}; {required} with `--perf-require-baseline`"
        assert codes == (str(usual) if usual == required else wanted), name
