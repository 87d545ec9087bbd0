"""An exit code is told in words, with what to do where that is known."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.exit_code import in_words


def test_a_killed_process_names_memory_and_what_needs_less_of_it() -> None:
    """Whoever reads it learns what happened, where to look, and which options help."""
    said = in_words(-signal.SIGKILL)
    assert said.startswith("killed by SIGKILL, most likely because memory ran out")
    for word in ("dmesg", "--perf-jobs", "--perf-workers"):
        assert word in said


@pytest.mark.parametrize(
    ("code", "begin"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-signal.SIGSEGV, "ended by SIGSEGV, "),
        (-signal.SIGHUP, "ended by SIGHUP, its terminal was closed"),
        (-signal.SIGUSR1, "ended by SIGUSR1"),
        (-signal.SIGRTMIN - 1, f"ended by signal {signal.SIGRTMIN + 1}"),
    ],
)
def test_other_ends_are_told_by_their_code_or_signal(code: int, begin: str) -> None:
    """An exit code stays a number; a signal has its name where it has one."""
    assert in_words(code).startswith(begin)


@given(st.integers(min_value=-70, max_value=300))
def test_every_code_is_one_line_without_brackets(code: int) -> None:
    """It is shown in brackets in messages of one line."""
    said = in_words(code)
    assert said
    assert not set(said) & set("\n()")
