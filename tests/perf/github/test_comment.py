"""The comment on a pull request: made once, edited in place, silent without a change."""

from __future__ import annotations

import pytest

from perf.github.comment import ARTIFACT, MARKER, comment_on
from perf.github.errors import DamagedError, GitHubError
from perf.github.job import MeasuringRun
from perf.stats import Verdict
from tests.perf.github.written import HEAD, RUN, compared, leave, measured_pull, summary_of
from tests.support.fake_github import FakeGitHub
from tests.support.github_state import BOT, Fault

RED = compared("serving-batch", Verdict.REGRESSED, 0.9)
SAME = compared("serving-workers-2", Verdict.UNCHANGED)
OPEN = compared("serving-batch", Verdict.INCONCLUSIVE)
NONE = "no open pull request"
EARLIER = "ba5eba11ba5e"
FORMER = (
    f"{MARKER}\n**1 of 1 regressed**\n\n"
    f"<sub>Commit {EARLIER}, side by side with its merge base. [Report](x).</sub>"
)


@pytest.fixture
def run(github: FakeGitHub) -> MeasuringRun:
    """The run that measured the pull request 5, which comes from a fork."""
    return measured_pull(github)


def comment(github: FakeGitHub, run: MeasuringRun) -> str:
    """Comment, and return what was done."""
    return comment_on(github.api(), run)


def bodies(github: FakeGitHub) -> list[str]:
    """Return the texts of all comments."""
    return [one["body"] for one in github.comments]


def test_a_change_is_commented(github: FakeGitHub, run: MeasuringRun) -> None:
    """The comment has the outcome, what changed, a plot, the command and a link."""
    leave(github, ARTIFACT, summary_of(SAME, RED))
    assert comment(github, run).startswith("commented: https://github.example/")
    (made,) = github.comments
    assert made["issue"] == 5
    text = made["body"]
    assert text.startswith(f"{MARKER}\n**▼ 1 of 2 regressed: serving-batch, throughput -10")
    assert "| `serving-batch` | ▼ regressed | throughput -10.0 % [-11.0, -9.0]" in text
    assert "●" in text
    assert "\ntox -e serving-batch -- --perf-seed 7 --perf-runtime process" in text
    assert f"[Report]({run.html_url})" in text
    assert f"Commit {HEAD[:12]}," in text
    changed, _, folded = text.partition("<details>")
    assert "serving-workers-2" not in changed
    assert "| `serving-workers-2` | = unchanged | +0.0 % [-1.0, +1.0] |" in folded


@pytest.mark.parametrize("verdict", [Verdict.INVALID, Verdict.IMPROVED])
def test_an_improvement_and_a_failure_are_changes(
    github: FakeGitHub, run: MeasuringRun, verdict: Verdict
) -> None:
    """A reader must know of both."""
    leave(github, ARTIFACT, summary_of(compared("serving-batch", verdict, 1.1)))
    assert comment(github, run).startswith("commented: ")


@pytest.mark.parametrize("result", [SAME, OPEN], ids=["unchanged", "inconclusive"])
def test_without_a_change_nothing_is_said(
    github: FakeGitHub, run: MeasuringRun, result: object
) -> None:
    """No comment is made, and nothing is written."""
    leave(github, ARTIFACT, summary_of(result))  # type: ignore[arg-type]  # -- a ScenarioResult
    assert comment(github, run) == (
        "nothing changed, and there is no earlier comment: nothing to say"
    )
    assert github.wrote() == []


def test_the_next_commit_edits_the_comment(github: FakeGitHub, run: MeasuringRun) -> None:
    """It is found by its marker among others, and no second one is made."""
    github.page_size = 2
    for number in range(3):
        github.add_comment(5, f"a remark {number}", login="someone")
    old = github.add_comment(5, f"{MARKER}\nold")
    github.add_comment(6, f"{MARKER}\nof another pull request")
    leave(github, ARTIFACT, summary_of(RED))
    assert comment(github, run) == f"edited: {old['html_url']}"
    assert len(github.comments) == 5
    assert "regressed" in old["body"]
    assert [one.method for one in github.wrote()] == ["PATCH"]


def test_what_is_no_longer_changed_is_said_in_the_comment(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """A former comment must not go on saying that something is slower."""
    old = github.add_comment(5, f"{MARKER}\n**1 of 1 regressed**")
    leave(github, ARTIFACT, summary_of(SAME))
    assert comment(github, run).startswith("edited: ")
    assert "**= serving-workers-2 is unchanged" in old["body"]
    assert "At this commit nothing is known to have changed." in old["body"]
    assert "regressed" not in old["body"]


def test_the_comment_of_somebody_else_is_left_alone(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """Whoever copies the marker does not have their comment edited."""
    theirs = github.add_comment(5, f"{MARKER}\nmine", login="someone")
    github.comments.append({**theirs, "id": 1, "user": None})
    quoting = github.add_comment(5, f"look:\n{MARKER}", login=BOT)
    leave(github, ARTIFACT, summary_of(RED))
    assert comment(github, run).startswith("commented: ")
    assert theirs["body"] == f"{MARKER}\nmine"
    assert quoting["body"] == f"look:\n{MARKER}"


def test_markup_in_a_name_is_refused(github: FakeGitHub, run: MeasuringRun) -> None:
    """The job of a fork may write anything; no row of the table has such a name."""

    def evil(summary: dict[str, list[dict[str, object]]]) -> None:
        summary["scenarios"][0]["name"] = "![x](https://evil.example)"

    leave(github, ARTIFACT, summary_of(RED, change=evil))
    with pytest.raises(DamagedError, match="is not a valid scenario"):
        comment(github, run)
    assert github.wrote() == []


def test_markup_in_a_reason_stays_text(github: FakeGitHub, run: MeasuringRun) -> None:
    """No mention, no link, no image, and no second row come out of it."""
    reason = "@team ![x](https://evil.example) | `a` |\n| <script>"

    def evil(summary: dict[str, list[dict[str, object]]]) -> None:
        summary["scenarios"][0].update(verdict="invalid", reason=reason)

    leave(github, ARTIFACT, summary_of(RED, change=evil))
    comment(github, run)
    assert (
        "| `@team ![x](https://evil.example) ¦ 'a' ¦ ¦ <script>` |\n" in bodies(github)[0]
    )
    assert bodies(github)[0].count("evil") == 1


def test_a_newer_commit_is_waited_for(github: FakeGitHub, run: MeasuringRun) -> None:
    """What was measured is not what the pull request has now."""
    github.pulls[0]["head"]["sha"] = "0" * 40
    leave(github, ARTIFACT, summary_of(RED))
    assert comment(github, run) == f"No comment: {HEAD} is the last commit of {NONE}."
    assert github.wrote() == []


def test_another_fork_with_the_same_branch_is_not_meant(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """An owner can have two forks; the repository must be the one that was measured."""
    github.pulls[0]["head"]["repo"] = {"full_name": "someone/other"}
    assert comment(github, run).endswith(f" is the last commit of {NONE}.")


def test_two_pull_requests_with_one_commit_get_no_comment(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """Nobody can say which of them was measured."""
    github.pulls.append({**github.pulls[0], "number": 9})
    leave(github, ARTIFACT, summary_of(RED))
    assert comment(github, run) == (
        f"No comment: {HEAD} is the last commit of several open pull requests: 5, 9."
    )


def test_a_deleted_fork_gets_no_comment(github: FakeGitHub, run: MeasuringRun) -> None:
    """The event then names no repository."""
    gone = run.model_copy(update={"head_repository": None})
    assert comment(github, gone).endswith(f" is the last commit of {NONE}.")


def test_a_run_that_left_nothing_gets_no_comment(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """Its own job is red already."""
    assert comment(github, run) == (
        f"run {RUN} left no artifact {ARTIFACT}: nothing to say"
    )


def noted(how: str, run: MeasuringRun) -> str:
    """Return the line that a comment has where its result is of an earlier commit."""
    return (
        f"> Commit {HEAD[:12]} was not {how}; the last result is of commit {EARLIER}. "
        f"[Run]({run.html_url})"
    )


def test_a_commit_that_was_not_measured_is_told_in_the_comment(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """The old result stays below, and a second try does not say it twice."""
    old = github.add_comment(5, FORMER)
    assert comment(github, run) == f"edited: {old['html_url']}"
    marker, *rest = FORMER.split("\n")
    assert old["body"].split("\n") == [marker, noted("measured", run), "", *rest]
    assert comment(github, run).endswith("already: nothing to say")
    assert len(github.wrote()) == 1


def test_a_damaged_summary_is_told_in_the_comment(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """The job fails all the same."""
    old = github.add_comment(5, FORMER)
    leave(github, ARTIFACT, b"{")
    with pytest.raises(DamagedError, match="is no JSON"):
        comment(github, run)
    assert noted("measured", run) in old["body"].split("\n")


def test_a_run_that_was_not_finished_keeps_the_former_result(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """What it measured is told in one line; the rest may still be slower."""
    old = github.add_comment(5, FORMER)
    planned = ("serving-batch", "serving-workers-2")
    leave(github, ARTIFACT, summary_of(SAME, scenarios=planned))
    assert comment(github, run).startswith("edited: ")
    (line,) = [one for one in old["body"].split("\n") if one.startswith("> ")]
    assert line.startswith(f"{noted('fully measured', run)} **= serving-workers-2 is unch")
    assert line.endswith("Not finished: 1 of 2 not measured.**")
    assert "\n**1 of 1 regressed**\n" in old["body"]


def test_a_run_that_was_not_finished_tells_a_change(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """Without an earlier comment it makes one, which says what is missing."""
    planned = ("serving-batch", "serving-workers-2")
    leave(github, ARTIFACT, summary_of(RED, scenarios=planned))
    assert comment(github, run).startswith("commented: ")
    assert "Not finished: 1 of 2 not measured." in bodies(github)[0]


def test_the_note_goes_with_the_next_result(github: FakeGitHub, run: MeasuringRun) -> None:
    """A whole run replaces all of the comment."""
    old = github.add_comment(5, FORMER)
    comment(github, run)
    leave(github, ARTIFACT, summary_of(SAME))
    assert comment(github, run).startswith("edited: ")
    assert old["body"].startswith(f"{MARKER}\n**= serving-workers-2 is unchanged")
    assert "> Commit" not in old["body"]


def test_the_note_is_replaced_by_that_of_the_next_commit(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """It still names the commit that was measured."""
    old = github.add_comment(5, FORMER)
    before = run.model_copy(update={"head_sha": "0" * 40})
    github.pulls[0]["head"]["sha"] = "0" * 40
    comment(github, before)
    github.pulls[0]["head"]["sha"] = HEAD
    comment(github, run)
    assert "0" * 12 not in old["body"]
    assert old["body"].count(noted("measured", run)) == 1


def test_a_result_of_this_commit_stays(github: FakeGitHub, run: MeasuringRun) -> None:
    """A second run of the same commit that fails takes nothing back."""
    text = FORMER.replace(EARLIER, HEAD[:12])
    github.add_comment(5, text)
    assert comment(github, run) == (
        "the comment has a result of this commit already: nothing to say"
    )
    assert bodies(github) == [text]


def test_a_comment_that_names_no_commit_is_told_to_be_older(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """Somebody edited it."""
    old = github.add_comment(5, MARKER)
    comment(github, run)
    assert "the last result is of an earlier commit." in old["body"]


def test_strange_options_leave_the_command_out(
    github: FakeGitHub, run: MeasuringRun
) -> None:
    """What changed is commented all the same."""
    leave(github, ARTIFACT, summary_of(RED, model_options=("--evil", "x")))
    assert comment(github, run).startswith("commented: ")
    assert "| `serving-batch` | ▼ regressed |" in bodies(github)[0]
    assert "To repeat" not in bodies(github)[0]


def test_only_pull_requests_are_commented(github: FakeGitHub, run: MeasuringRun) -> None:
    """The workflow may have been started by hand."""
    by_hand = run.model_copy(update={"event": "workflow_dispatch"})
    assert comment(github, by_hand) == (
        f"run {RUN} is not of a pull request: nothing to say"
    )
    assert github.asked == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/pulls", 502),
        ("GET", r"/actions/.*", 404),
        ("GET", "/issues/5/comments", 403),
        ("POST", "/issues/5/comments", 403),
        ("POST", "/issues/5/comments", 422),
    ],
)
def test_a_refusal_ends_it(
    github: FakeGitHub, run: MeasuringRun, method: str, path: str, status: int
) -> None:
    """Nothing goes on after a refusal."""
    leave(github, ARTIFACT, summary_of(RED))
    github.faults.append(Fault(method, path, status))
    with pytest.raises(GitHubError, match=f"status {status}, "):
        comment(github, run)
    assert github.comments == []


def test_many_changes_fit_into_a_comment(github: FakeGitHub, run: MeasuringRun) -> None:
    """GitHub takes 65,536 characters."""
    reason = "w " * 600
    many = [compared(f"s{'n' * 60}{number}", Verdict.REGRESSED) for number in range(150)]

    def fail(summary: dict[str, list[dict[str, object]]]) -> None:
        for row in summary["scenarios"][:20]:
            row.update(verdict="invalid", reason=reason)

    leave(github, ARTIFACT, summary_of(*many, change=fail))
    comment(github, run)
    assert len(bodies(github)[0]) < 65_536
