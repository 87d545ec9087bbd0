"""The issue for nightly regressions: one, kept up to date, closed when all recovered."""

from __future__ import annotations

from typing import Any

import pytest

from perf.github.errors import GitHubError
from perf.github.issue import LABEL, report_night
from perf.github.nightly import Regressions, Since, read, written
from perf.github.summary import read_summary
from perf.report.result import ScenarioResult
from perf.stats import Verdict
from tests.perf.github.written import HEAD, RUN, compared, job_at, summary_of
from tests.support.fake_github import FakeGitHub
from tests.support.github_state import BOT, REPOSITORY, Fault

RED = compared("serving-batch", Verdict.REGRESSED, 0.9)
GREEN = compared("serving-batch", Verdict.UNCHANGED)
OTHER = compared("serving-single", Verdict.REGRESSED, 0.8)
BEFORE = {"process/serving-batch": Since("2026-11-20", "abc1234")}
OPEN = written(BEFORE, RUN - 1)
RUN_PAGE = f"https://github.example/{REPOSITORY}/actions/runs/{RUN}"


def tell(github: FakeGitHub, *results: ScenarioResult) -> str:
    """Report a night of one run, and return what was done."""
    summaries = [read_summary(summary_of(*results))] if results else []
    return report_night(github.api(), job_at(github), summaries)


def ours(github: FakeGitHub, body: str, **more: object) -> dict[str, Any]:
    """Add an issue that a nightly run has opened."""
    return github.add_issue(body, user={"login": BOT}, **more)


def left_open(text: str) -> Regressions:
    """Return what the hidden line of an issue keeps; this run has written it."""
    found = read(text)
    assert found
    assert found.run_id == RUN
    return found.regressions


def test_a_regression_opens_an_issue(github: FakeGitHub) -> None:
    """It has the label, what regressed since when, a plot, the command and a link."""
    assert tell(github, RED, compared("a", Verdict.UNCHANGED)).startswith("opened: ")
    (issue,) = github.issues
    assert issue["title"] == "Performance regression: serving-batch"
    assert issue["labels"] == [LABEL]
    text = issue["body"]
    assert left_open(text) == {"process/serving-batch": Since("2026-11-27", HEAD)}
    assert (
        f"| `serving-batch` | process | 2026-11-27, commit {HEAD[:12]} | ▼ regressed: "
        "throughput -10.0 % [-11.0, -9.0], tolerance 10 % |\n" in text
    )
    assert "●" in text
    assert "\ntox -e serving-batch -- --perf-seed 7 --perf-runtime process" in text
    assert f"[the last nightly run]({RUN_PAGE})" in text
    assert (
        f"/{REPOSITORY}/blob/{HEAD}/docs/baselines.md#after-another-verdict-than-unchanged)"
        in text
    )
    assert "`a`" not in text


def test_nothing_red_opens_nothing(github: FakeGitHub) -> None:
    """A night without a regression writes nothing."""
    assert tell(github, GREEN) == "nothing regressed, and no issue is open: nothing to say"
    assert tell(github).endswith("nothing to say")
    assert github.wrote() == []


def test_the_same_regression_only_edits_the_text(github: FakeGitHub) -> None:
    """No second issue, no comment; the date of the beginning stays."""
    issue = ours(github, f"{OPEN}\nold")
    assert tell(github, RED).startswith("updated: ")
    assert len(github.issues) == 1
    assert github.comments == []
    assert "| 2026-11-20, commit abc1234 | ▼ regressed" in issue["body"]
    assert "old" not in issue["body"]
    assert issue["state"] == "open"


def test_another_regression_is_told_in_a_comment(github: FakeGitHub) -> None:
    """The issue stays one, and its title counts."""
    issue = ours(github, OPEN)
    assert tell(github, RED, OTHER).startswith("updated: ")
    (comment,) = github.comments
    assert comment["body"] == (
        f"New regressions: `process/serving-single`. [Nightly run]({RUN_PAGE})"
    )
    assert issue["title"] == "Performance regression: serving-batch and 1 more"


def test_the_issue_is_closed_when_all_recovered(github: FakeGitHub) -> None:
    """A comment says so first, and the text no longer says that something is slower."""
    issue = ours(github, OPEN)
    assert tell(github, GREEN).startswith("closed: ")
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    (comment,) = github.comments
    assert comment["body"] == (
        "Recovered: `process/serving-batch`. Nothing is open any more, so the issue is "
        f"closed. [Nightly run]({RUN_PAGE})"
    )
    assert [one.method for one in github.wrote()] == ["POST", "PATCH"]
    assert left_open(issue["body"]) == {}
    assert issue["body"].endswith("\nAll scenarios have recovered.")


def test_one_of_two_that_recovers_leaves_it_open(github: FakeGitHub) -> None:
    """The comment says which one, and the text keeps the other."""
    both = {
        "process/serving-batch": Since("", ""),
        "process/serving-single": Since("2026-11-21", ""),
    }
    issue = ours(github, written(both, RUN - 1))
    assert tell(github, GREEN).startswith("updated: ")
    assert github.comments[0]["body"].startswith("Recovered: `process/serving-batch`. [")
    assert left_open(issue["body"]) == {"process/serving-single": Since("2026-11-21", "")}
    assert "| `serving-single` | process | 2026-11-21 | not measured |" in issue["body"]
    assert issue["state"] == "open"


@pytest.mark.parametrize(
    "verdict", [Verdict.INCONCLUSIVE, Verdict.INVALID, Verdict.NO_BASELINE]
)
def test_doubt_closes_nothing(github: FakeGitHub, verdict: Verdict) -> None:
    """The table says what the last night said."""
    issue = ours(github, OPEN)
    assert tell(github, compared("serving-batch", verdict)).startswith("updated: ")
    assert issue["state"] == "open"
    assert f" {verdict} |\n" in issue["body"]
    assert github.comments == []


def test_a_regression_after_a_closed_issue_opens_a_new_one(github: FakeGitHub) -> None:
    """Closed issues are history."""
    ours(github, OPEN, state="closed")
    assert tell(github, RED).startswith("opened: ")
    assert len(github.issues) == 2


def test_other_issues_with_the_label_are_left_alone(github: FakeGitHub) -> None:
    """One without the line, one of a person, and a pull request that has the label."""
    by_hand = github.add_issue("Slow since Monday", user={"login": BOT})
    ours(github, OPEN, pull_request={"url": "x"})
    copied = [github.add_issue(OPEN, user=user) for user in ({"login": "someone"}, None)]
    github.page_size = 1
    assert tell(github, RED).startswith("opened: ")
    assert by_hand["body"] == "Slow since Monday"
    assert [one["body"] for one in copied] == [OPEN, OPEN]
    assert len(github.issues) == 5


@pytest.mark.parametrize("result", [RED, GREEN, OTHER], ids=["red", "green", "other"])
def test_an_older_night_that_is_run_again_changes_nothing(
    github: FakeGitHub, result: ScenarioResult
) -> None:
    """The issue goes on saying what the newest night found."""
    issue = ours(github, written(BEFORE, RUN + 1))
    assert tell(github, result) == (
        f"run {RUN} is older than run {RUN + 1}, which wrote {issue['html_url']}: nothing "
        "is changed"
    )
    assert github.wrote() == []


def test_an_older_night_opens_nothing_that_a_newer_one_closed(github: FakeGitHub) -> None:
    """The newest issues that were closed are asked for, in one request."""
    ours(github, written({}, RUN - 1), state="closed")
    ours(github, written({}, RUN + 1), state="closed")
    assert tell(github, RED).startswith(f"run {RUN} is older than run {RUN + 1}, which ")
    assert github.wrote() == []
    *_, asked = github.asked
    assert (asked.query["sort"], asked.query["direction"]) == ("created", "desc")


def test_the_same_night_may_be_run_again(github: FakeGitHub) -> None:
    """Whether the first try left the issue open or closed it."""
    closed = ours(github, written({}, RUN), state="closed")
    assert tell(github, RED).startswith("opened: ")
    assert closed["state"] == "closed"
    github.issues.clear()
    ours(github, written(BEFORE, RUN))
    assert tell(github, RED).startswith("updated: ")


def test_a_run_with_strange_options_is_told_without_a_command(github: FakeGitHub) -> None:
    """What regressed is known all the same."""
    found = read_summary(summary_of(RED, model_options=("--evil", "x")))
    report_night(github.api(), job_at(github), [found])
    text = github.issues[0]["body"]
    assert "regressed: throughput -10.0 %" in text
    assert "tox -e" not in text
    assert "To repeat" not in text


def test_a_text_that_lost_its_line_is_written_anew(github: FakeGitHub) -> None:
    """What is red tonight is known; whether the rest recovered is not."""
    issue = ours(github, "<!-- serving-perf: regressions {edited} -->")
    done = tell(github, GREEN)
    assert done.endswith("close it by hand when all has recovered")
    assert github.wrote() == []
    assert tell(github, RED).startswith("updated: ")
    assert left_open(issue["body"]) == {"process/serving-batch": Since("2026-11-27", HEAD)}


def test_a_comment_that_fails_is_made_by_the_next_try(github: FakeGitHub) -> None:
    """The issue is not closed before its comment is made."""
    issue = ours(github, OPEN)
    github.faults.append(Fault("POST", "/issues/1/comments", 502))
    with pytest.raises(GitHubError, match="status 502"):
        tell(github, GREEN)
    assert issue["state"] == "open"
    github.faults.clear()
    assert tell(github, GREEN).startswith("closed: ")
    assert len(github.comments) == 1


@pytest.mark.parametrize("status", [403, 410, 422])
def test_a_refusal_is_told(github: FakeGitHub, status: int) -> None:
    """Without permission, or where issues are switched off."""
    github.faults.append(Fault("POST", "/issues", status))
    with pytest.raises(GitHubError, match=f"POST .*/issues: status {status}, "):
        tell(github, RED)


def test_many_regressions_fit_into_an_issue(github: FakeGitHub) -> None:
    """GitHub takes 65,536 characters."""
    tell(github, *(compared(f"s{'n' * 60}{x}", Verdict.REGRESSED) for x in range(150)))
    assert len(github.issues[0]["body"]) < 65_536
