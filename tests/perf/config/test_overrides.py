"""Options that change the arrivals, the rate and the SLO of a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.config.options import Options
from perf.config.overrides import overridden, repeat_options
from perf.config.table import Table
from serving.errors import ConfigError

TABLE = Table.read()
CLOSED = TABLE.find("serving-batch")
SEARCHED = TABLE.find("capacity-batch")


def test_without_an_option_a_row_stays() -> None:
    """Neither its arrivals nor its SLO change."""
    assert overridden(CLOSED, Options({})) == CLOSED
    assert overridden(SEARCHED, Options({})) == SEARCHED
    assert repeat_options(Options({})) == ()


def test_an_slo_makes_a_closed_row_seek_its_capacity() -> None:
    """With arrivals; the time is in milliseconds."""
    row = overridden(CLOSED, Options({"arrivals": "poisson", "slo": 800.0}))
    assert row.seeks_capacity
    assert row.slo_ms == 800.0
    assert row.sends_open
    assert row.pool == "open"


def test_a_rate_ends_the_search() -> None:
    """Then the rate is offered, and the goodput is judged."""
    row = overridden(SEARCHED, Options({"rate": 6.0}))
    assert not row.seeks_capacity
    assert (row.rate_rps, row.slo_ms) == (6.0, SEARCHED.slo_ms)
    assert row.pattern().rate_rps == 6.0


def test_the_options_are_kept_for_the_repeat_command() -> None:
    """As a command line has them."""
    given = {"arrivals": "gamma:0.5", "rate": 6.0, "slo": 250.0, "arrivals_seed": 3}
    assert repeat_options(Options(given)) == (
        *("--perf-arrivals", "gamma:0.5", "--perf-rate", "6"),
        *("--perf-slo", "250", "--perf-arrivals-seed", "3"),
    )


def test_the_repeat_command_has_every_digit_of_a_number() -> None:
    """The same command measures the same rate, so its results are compared."""
    given = {"rate": 1234.5678, "slo": 0.1 + 0.2}
    assert repeat_options(Options(given)) == (
        *("--perf-rate", "1234.5678", "--perf-slo", "0.30000000000000004"),
    )


def test_images_and_amounts_are_kept_for_the_repeat_command() -> None:
    """The folder is named so that the command works in any folder."""
    given = {"images": "my images", "workers": 2, "total": 64, "docker_cpus": 1.5}
    assert repeat_options(Options(given)) == (
        *("--perf-images", str(Path.cwd() / "my images"), "--perf-total", "64"),
        *("--perf-workers", "2", "--perf-docker-cpus", "1.5"),
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": 5.0}, "--perf-rate 5: serving-batch runs in a closed loop"),
        ({"rate": 1234.5678}, "--perf-rate 1234.5678: serving-batch"),
        ({"slo": 500.0}, "--perf-slo 500: serving-batch runs in a closed loop"),
        ({"arrivals": "poisson"}, "--perf-arrivals poisson: serving-batch: "),
        ({"arrivals": "pareto", "rate": 5.0}, "no such arrival pattern"),
        ({"arrivals": "gamma:x", "rate": 5.0}, "--perf-arrivals gamma:x"),
        ({"arrivals": "constant:3", "rate": 5.0}, "--perf-arrivals constant:3"),
        ({"arrivals": "closed", "slo": 500.0}, "an SLO needs requests at scheduled times"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], said: str) -> None:
    """One line that names the option."""
    with pytest.raises(ConfigError) as caught:
        overridden(CLOSED, Options(options))
    message = str(caught.value)
    assert said in message
    assert message.startswith("--perf-")
    assert len(message.splitlines()) == 1


def test_jobs_that_are_forked_from_a_model_cannot_be_scheduled() -> None:
    """The message says why, and what can be used in their place."""
    row = TABLE.find("decentralized-shared")
    with pytest.raises(ConfigError, match=r"forked .* late.*decentralized-pool"):
        overridden(row, Options({"arrivals": "poisson", "rate": 1.0}))
