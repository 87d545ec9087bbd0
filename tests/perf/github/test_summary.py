"""The summary of another job: read where it is sound, and refused where it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from perf.config.options import Options
from perf.config.overrides import repeat_options
from perf.experiment.header import model_options
from perf.github.errors import DamagedError
from perf.github.summary import _OPTIONS, read_summary
from perf.report import digest
from perf.report.formats.json_file import JsonFile
from perf.report.headline import headline
from perf.report.repeating import again
from perf.report.run import RunResults
from perf.stats import Verdict
from serving.model.choice import ModelChoice
from tests.perf.github.written import HEAD, MERGE_BASE, STARTED, compared, summary_of
from tests.support.any_results import runs, untimed
from tests.support.pages import INVALID
from tests.support.results import (
    BATCH,
    HEADER,
    HEAVIER,
    LOCAL,
    SETTLED,
    UNREAD,
    rejudged,
    run_of,
)


@pytest.mark.parametrize(
    "results",
    [[BATCH, LOCAL], [HEAVIER], [SETTLED, UNREAD], [INVALID], []],
    ids=["regressed", "memory", "settled", "invalid", "nothing"],
)
def test_a_summary_says_what_the_run_said(results: list[Any]) -> None:
    """The headline, the changed rows and the plot are those that the run itself shows."""
    found = read_summary(summary_of(*results)).outcomes
    assert headline(found) == headline(results)
    assert digest.changed_rows(found) == digest.changed_rows(results)
    assert digest.plot(found) == digest.plot(results)


@pytest.mark.parametrize("result", [BATCH, SETTLED])
def test_the_command_that_repeats_is_the_runs_own(result: Any) -> None:  # noqa: ANN401 -- a ScenarioResult
    """It has the seed, the runtime and the options of the run."""
    options = ("--perf-model", "./own/model-2.pt", "--perf-rate", "2.5")
    found = read_summary(summary_of(result, model_options=options))
    run = run_of(result)
    assert found.repeat(found.outcomes[0]) == (
        f"{again(result, run.header)} --perf-model ./own/model-2.pt --perf-rate 2.5"
    )


class _Everything(dict[str, object]):
    """The values of options where each was given."""

    def get(self, *_: object) -> int:
        return 1


def test_the_options_are_those_that_a_run_writes() -> None:
    """Whoever lets a run write another one must let it be read."""
    model = ModelChoice(name="another", weights="pretrained")
    words = (*model_options(model, "usual"), *repeat_options(Options(_Everything())))
    assert set(words[::2]) == _OPTIONS


@pytest.mark.parametrize(
    "options",
    [
        ["-p", "evil"],
        ["$(x)"],
        ["--perf-model"],
        ["--perf-model", "-x"],
        ["--perf-model", ""],
        ["--perf-model", "a\nb"],
        ["--perf-model", "a\u202eb"],
        ["--perf-model", "n" * 201],
        ["--perf-rebuild", "x"],
        ["--perf-model", "a", "--perf-total"],
        ["x", "--perf-model"],
        ["--perf-model", "a"] * 17,
    ],
    ids=range(12),
)
def test_other_options_leave_the_command_out(options: list[str]) -> None:
    """The verdict and its numbers stay."""
    found = read_summary(summary_of(BATCH, change=_head(options=options)))
    assert found.repeat(found.outcomes[0]) == ""
    assert found.header.model_options == ()
    assert digest.changed_rows(found.outcomes) == digest.changed_rows([BATCH])


def test_a_value_of_an_option_is_quoted() -> None:
    """It is one word of the command, whatever characters it has."""
    change = _head(options=["--perf-images", "my images; rm -r `x` $(y)"])
    found = read_summary(summary_of(BATCH, change=change))
    assert found.repeat(found.outcomes[0]).endswith(
        " --perf-images 'my images; rm -r `x` $(y)'"
    )


@pytest.mark.parametrize(
    ("names", "planned", "is_whole"),
    [
        ([], [], False),
        ([], ["a"], False),
        (["a"], [], True),
        (["a"], ["a"], True),
        (["a"], ["a", "b"], False),
    ],
)
def test_a_run_is_whole_where_all_was_measured(
    names: list[str], planned: list[str], *, is_whole: bool
) -> None:
    """An older summary does not say what was to be measured."""
    results = [compared(name, Verdict.UNCHANGED) for name in names]
    found = read_summary(summary_of(*results, change=_head(planned=planned)))
    assert found.is_whole == is_whole


def test_a_run_side_by_side_is_repeated_side_by_side() -> None:
    """The command names the merge base."""
    found = read_summary(summary_of(compared("a", Verdict.UNCHANGED)))
    assert found.repeat(found.outcomes[0]) == (
        "tox -e a -- --perf-seed 7 --perf-runtime process --perf-against=" + MERGE_BASE
    )


def test_a_settled_scenario_is_repeated_against_its_baseline() -> None:
    """The run began without another tree, so its command names none."""
    settled = rejudged(compared("a", Verdict.REGRESSED), before=BATCH.judgement)
    found = read_summary(summary_of(settled))
    assert "--perf-against" not in found.repeat(found.outcomes[0])


def test_time_and_commit_are_kept_where_they_have_their_form() -> None:
    """Anything else is no time and no commit."""
    header = read_summary(summary_of()).header
    assert (header.started, header.commit) == (STARTED, HEAD)
    header = read_summary(summary_of(commit=f"{HEAD} with changes")).header
    assert header.commit == f"{HEAD} with changes"
    header = read_summary(summary_of(started="@all", commit="[x](y)")).header
    assert (header.started, header.commit) == ("", "")


def _row(**values: object) -> Any:  # noqa: ANN401 -- a change of a summary
    return lambda summary: summary["scenarios"][0].update(values)


def _judged(**values: object) -> Any:  # noqa: ANN401 -- a change of a summary
    return lambda summary: summary["scenarios"][0]["quantities"][0].update(values)


def _head(**values: object) -> Any:  # noqa: ANN401 -- a change of a summary
    return lambda summary: summary.update(values)


ESTIMATE = {"estimate": 1.0, "low": 0.9, "high": 1.1, "confidence": 0.95}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_row(name="<img src=x>"), "'<img src=x>' is not a valid scenario"),
        (_row(name="a b"), "'a b' is not a valid scenario"),
        (_row(name="a\n# b"), "'a\\n# b' is not a valid scenario"),
        (_row(name="n" * 65), "is not a valid scenario"),
        (_row(verdict="fine"), "$.scenarios[0].verdict: 'fine' is not one of"),
        (_judged(quantity="@all"), "'@all' is no quantity that is judged"),
        (_judged(tolerance=1.0), "a tolerance between 0 and 1 are needed"),
        (_judged(tolerance=None), "a tolerance between 0 and 1 are needed"),
        (_judged(change=None), "a tolerance between 0 and 1 are needed"),
        (_judged(change={**ESTIMATE, "low": 2.0}), "an estimate needs 0 <= low <= point"),
        (_judged(change={**ESTIMATE, "low": -1}), "-1 is less than the minimum of 0"),
        (_head(runtime="`x`"), "'`x`' is not a valid runtime"),
        (_head(profile="a b"), "'a b' is not a valid profile"),
        (_head(device="; rm"), "'; rm' is not a valid device"),
        (_head(planned=["<b>"]), "'<b>' is not a valid scenario"),
        (_head(seed=2**65), "the seed is too large"),
        (_head(seed="7"), "$.seed: '7' is not of type 'integer'"),
        (_head(schema_version=1), "$.schema_version: 2 was expected"),
        (lambda summary: summary.pop("scenarios"), "'scenarios' is a required property"),
        (
            lambda summary: summary.update(scenarios=summary["scenarios"] * 201),
            "201 scenarios are more than a run has",
        ),
    ],
)
def test_what_cannot_be_is_refused(change: Any, said: str) -> None:  # noqa: ANN401 -- a change of a summary
    """One line says where, and what is wrong there."""
    with pytest.raises(DamagedError) as caught:
        read_summary(summary_of(BATCH, change=change))
    text = str(caught.value)
    assert text.startswith("summary.json: ")
    assert said in text
    assert "\n" not in text
    assert len(text) < 2100


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b"\xff\xfe\x00", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"seed": NaN}', "NaN is no number"),
        (b'{"seed": 1e999}', "1e999 is too large"),
        (b"1" * 5000, "is no JSON"),
        (b"[]", "[] is not of type 'object'"),
        (b"null", "None is not of type 'object'"),
    ],
    ids=range(9),
)
def test_a_damaged_file_is_refused(content: bytes, said: str) -> None:
    """No JSON, a number that is none, nesting without end: each is one line."""
    with pytest.raises(DamagedError) as caught:
        read_summary(content)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_number_of_any_size_can_be_shown() -> None:
    """An interval can end nearly anywhere; the plot and the rows are made all the same."""
    huge = {"estimate": 1.0, "low": 0.0, "high": 10**400, "confidence": 0.95}
    change = _judged(change=huge)
    found = read_summary(summary_of(BATCH, change=change)).outcomes
    assert digest.plot(found)
    assert digest.changed_rows(found)


def test_a_reason_is_kept_short_and_on_one_line() -> None:
    """It is the only free text that is shown."""
    long = {"verdict": "invalid", "reason": "a\n" * 9000}
    (found,) = read_summary(summary_of(BATCH, change=_row(**long))).outcomes
    assert found.judgement.reason.startswith("a a a")
    assert len(found.judgement.reason) <= 1000


@untimed
@given(runs)
def test_any_run_is_read_or_refused(run: RunResults) -> None:
    """Whatever a run wrote, it can be shown, or is refused with one line."""
    found, refused = None, ""
    try:
        found = read_summary(JsonFile().render(run).encode())
    except DamagedError as error:
        refused = str(error)
    assert "\n" not in refused
    if found is None:
        assert refused
        return
    assert len(found.outcomes) == len(run.scenarios)
    assert digest.title(found.outcomes)
    digest.plot(found.outcomes)


def test_an_older_summary_is_read() -> None:
    """Keys that joined later may be missing."""

    def older(summary: dict[str, Any]) -> None:
        for key in ("device", "options", "started", "commit", "planned"):
            del summary[key]
        for key in ("quantities", "against", "before"):
            del summary["scenarios"][0][key]

    found = read_summary(summary_of(BATCH, change=older))
    assert found.header.device == HEADER.device
    assert json.dumps(headline(found.outcomes)) == '"serving-batch regressed."'
