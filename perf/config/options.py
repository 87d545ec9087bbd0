"""The values of the suite's options, and how a user types an option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from serving.errors import ConfigError

_ROWS = ("--perf-scenario", "--perf-family")


def argument(name: str) -> str:
    """Return an option as a user types it: docker_base becomes --perf-docker-base."""
    return "--perf-" + name.replace("_", "-")


def exact(number: float) -> str:
    """Return a number as a user types it, with all its digits: 6 or 1234.5678."""
    return repr(number).removesuffix(".0")


def choose_rows(words: Sequence[str]) -> bool:
    """Return whether these words of a command line say which rows are measured."""
    return any(word.partition("=")[0] in _ROWS for word in words)


class Options:
    """The suite's options, each with the type that its parser returns.

    An option without a value here has not been given.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        """Read `values`, which has the value of each option by its name."""
        self._values = values
        self._asked: set[str] = set()

    @property
    def unknown(self) -> tuple[str, ...]:
        """The options with a value that nobody has asked for, as a user types them."""
        given = {name for name, value in self._values.items() if _is_given(value)}
        return tuple(argument(name) for name in sorted(given - self._asked))

    def text(self, name: str) -> str:
        """Return a text; empty where it was not given."""
        return str(self._value(name) or "")

    def texts(self, name: str) -> list[str]:
        """Return the parts of an option that may be repeated, or separated by commas.

        Raises ConfigError where a value has no part, such as that of an unset variable.
        """
        found: list[str] = []
        for value in cast("list[str]", self._value(name) or []):
            parts = [part for part in value.split(",") if part.strip()]
            if not parts:
                raise ConfigError(f"{argument(name)}: no name is given")
            found += parts
        return found

    def number(self, name: str) -> int | None:
        """Return a whole number."""
        return cast("int | None", self._value(name))

    def decimal(self, name: str) -> float | None:
        """Return a number."""
        return cast("float | None", self._value(name))

    def flag(self, name: str) -> bool:
        """Return whether the flag was given."""
        return bool(self._value(name))

    def _value(self, name: str) -> object:
        self._asked.add(name)
        return self._values.get(name)


def _is_given(value: object) -> bool:
    """Return whether it is a value, and not what a parser has where there is none."""
    return value is not None and value is not False and value not in ("", [])
