"""The values of options, and which of them nobody has asked for."""

from __future__ import annotations

import pytest

from perf.config.options import Options, argument, choose_rows
from serving.errors import ConfigError


def test_option_is_named_as_it_is_typed() -> None:
    """A name becomes the option of the command line."""
    assert argument("docker_base") == "--perf-docker-base"


def test_values_have_the_type_that_is_asked_for() -> None:
    """Texts may be repeated or separated by commas; what was not given is empty or None."""
    options = Options({"family": ["main,servers", "engines"], "seed": 0, "budget": 1.5})
    assert options.texts("family") == ["main", "servers", "engines"]
    assert (options.number("seed"), options.decimal("budget")) == (0, 1.5)
    assert (options.text("model"), options.texts("scenario")) == ("", [])
    assert (options.number("pairs"), options.decimal("docker_cpus")) == (None, None)
    assert not options.flag("limits")
    assert Options({"limits": True}).flag("limits")


@pytest.mark.parametrize("name", ["scenario", "family"])
@pytest.mark.parametrize("given", ["", " ", ","])
def test_an_empty_list_is_refused(name: str, given: str) -> None:
    """It is that of an unset variable; without it other rows would be measured."""
    with pytest.raises(ConfigError, match=f"^--perf-{name}: no name is given$"):
        Options({name: ["main", given]}).texts(name)


def test_words_that_choose_rows_are_known() -> None:
    """Both as one word and as two."""
    assert choose_rows(["--perf-profile", "smoke", "--perf-scenario", "serving-batch"])
    assert choose_rows(["--perf-family=servers"])
    assert not choose_rows(["--perf-profile", "smoke", "-k", "perf-scenario"])


def test_options_that_nobody_asked_for_are_unknown() -> None:
    """They are named as a user types them, in order, until somebody asks for them."""
    options = Options({"turbo_mode": "on", "colour": 3, "model": "resnet18"})
    assert options.text("model") == "resnet18"
    assert list(options.unknown) == ["--perf-colour", "--perf-turbo-mode"]
    options.number("colour")
    assert list(options.unknown) == ["--perf-turbo-mode"]


@pytest.mark.parametrize("nothing", [None, [], "", False])
def test_what_was_not_given_is_never_unknown(nothing: object) -> None:
    """A parser has a value for every option, also for one that nobody gave."""
    assert Options({"turbo": nothing}).unknown == ()


@pytest.mark.parametrize("given", [0, 0.0, True, "0", ["x"]])
def test_what_was_given_is_unknown(given: object) -> None:
    """A zero was given too."""
    assert Options({"turbo": given}).unknown == ("--perf-turbo",)
