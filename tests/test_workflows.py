"""The workflows: who may write, what a job with such a permission runs, and their names."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from perf.commands.github import REPORTS
from perf.github import baseline, comment

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
MEASURES = ("tox -e perf", "tox -e against", "tox -e rebaseline", 'tox -e "$FAMILY"')
TELLS = "run: .tox/github/bin/python -m perf.commands.github "
WRITES = {
    ("baseline.yml", "propose"): {"contents", "pull-requests"},
    ("comment.yml", "comment"): {"pull-requests"},
    ("nightly.yml", "issue"): {"issues"},
}


def text_of(name: str) -> str:
    """Return a workflow."""
    return (FOLDER / name).read_text("utf-8")


def jobs(path: Path) -> dict[str, str]:
    """Return the text of each job of a workflow."""
    _, _, text = path.read_text("utf-8").partition("\njobs:\n")
    parts = re.split(r"^  ([A-Za-z_][A-Za-z0-9_-]*):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def permissions(job: str) -> dict[str, str]:
    """Return the permissions that a job asks for."""
    (found,) = re.findall(r"^    permissions:\n((?:      .*\n)+)", job, re.MULTILINE)
    assert job.count("permissions:") == 1
    return dict(re.findall(r"^      ([a-z-]+): ([a-z]+)", found, re.MULTILINE))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_is_allowed_that_no_job_asks_for(path: Path) -> None:
    """A workflow begins without permissions; each job asks once for what it needs."""
    text = path.read_text("utf-8")
    assert "\npermissions: {}\n" in text
    assert text.count("permissions:") == 1 + len(jobs(path))
    for name, job in jobs(path).items():
        asked = permissions(job)
        write = {what for what, how in asked.items() if how == "write"}
        assert write == WRITES.get((path.name, name), set()), name
        assert set(asked) - write <= {"actions", "contents"}, name


def test_every_job_that_may_write_is_known() -> None:
    """The table above names no job that does not exist."""
    exist = {(path.name, name) for path in WORKFLOWS for name in jobs(path)}
    assert set(WRITES) <= exist


@pytest.mark.parametrize(("workflow", "name"), WRITES)
def test_what_may_write_measures_nothing(workflow: str, name: str) -> None:
    """It runs on a hosted runner, on the commit that the event chose, one command."""
    job = jobs(FOLDER / workflow)[name]
    assert "runs-on: ubuntu-24.04\n" in job
    assert "\n          ref:" not in job
    assert not any(command in job for command in MEASURES)
    assert "download-artifact" not in job
    *_, last = job.split("      - name: ")
    assert TELLS in last


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_token_is_given_to_one_step(path: Path) -> None:
    """No step that installs or measures has it, nor tox; checkouts leave none behind."""
    text = path.read_text("utf-8")
    for step in re.split(r"^      - name: ", text, flags=re.MULTILINE)[1:]:
        has_token = "GITHUB_TOKEN" in step or "github.token" in step
        assert has_token == (TELLS in step), step
        assert not (has_token and re.search(r"-m (tox|pip)\b", step)), step
        if "actions/checkout@" in step:
            assert "persist-credentials: false\n" in step
    assert "secrets." not in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    """A tag can be moved to other code."""
    used = re.findall(r"uses: (\S+)(.*)", path.read_text("utf-8"))
    assert used
    for action, version in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", version)


def test_every_workflow_installs_the_tox_of_the_tests() -> None:
    """A new release of it comes only with a change of the repository."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    words = " ".join(map(str, project["dependency-groups"]["quick"]))
    (pinned,) = re.findall(r"\btox==[0-9.]+", words)
    for path in WORKFLOWS:
        installed = re.findall(r"pip install (.*)", path.read_text("utf-8"))
        assert set(installed) == {pinned}, path.name


def test_a_step_sees_no_text_of_an_event() -> None:
    """What others can choose reaches a shell through variables, never as its code."""
    for path in WORKFLOWS:
        text = path.read_text("utf-8")
        commands = re.findall(r" run: (?:\|\n((?: {10}.*\n)+)|(.*))", text)
        assert commands
        for command in commands:
            assert "${{" not in "".join(command), path.name


def test_a_job_with_a_token_installs_the_packages_of_the_suite() -> None:
    """It has few of them, each in the version that the tests have."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"]
    assert groups["github"]
    assert set(groups["github"]) <= {*groups["harness"], *groups["quick"][1:]}


def test_the_workflows_agree_on_their_names() -> None:
    """The one that comments follows the one that measures, and finds its artifact."""
    measuring = text_of("pull-request.yml")
    assert "\nname: pull-request\n" in measuring
    assert "workflows: [pull-request]\n" in text_of("comment.yml")
    assert f"          name: {comment.ARTIFACT}\n" in measuring
    assert "            reports/summary.json\n" in measuring
    assert f"          name: {baseline.ARTIFACT}\n" in text_of("baseline.yml")
    nightly = re.findall(r"^          name: (.*)$", text_of("nightly.yml"), re.MULTILINE)
    assert nightly
    assert all(name.startswith(REPORTS) for name in nightly)


def test_a_baseline_is_never_recorded_beside_a_nightly_run() -> None:
    """Both are in one group, of which one workflow runs at a time."""
    assert "\nname: nightly\n" in text_of("nightly.yml")
    assert "\n  group: ${{ github.workflow }}\n" in text_of("nightly.yml")
    assert "\n  group: nightly\n" in text_of("baseline.yml")


def test_only_the_default_branch_adds_to_the_history_that_stays() -> None:
    """A night's issue has the same condition; no step has another history."""
    nightly = text_of("nightly.yml")
    ours = (
        "(github.event_name == 'schedule' || "
        "github.ref_name == github.event.repository.default_branch)"
    )
    (history,) = re.findall(
        r"^env:\n(?:  #.*\n)*  HISTORY: >-\n((?: {4}.*\n)+)", nightly, re.MULTILINE
    )
    stays = "vars.PERF_HISTORY || 'reports/history'"
    assert " ".join(history.split()) == f"${{{{ {ours} && {stays} }}}}"
    assert nightly.count("HISTORY:") == nightly.count("vars.PERF_HISTORY") == 1
    assert ours in " ".join(jobs(FOLDER / "nightly.yml")["issue"].split())


def test_a_pull_request_is_measured_as_its_author_left_it() -> None:
    """GitHub's merge has all of the base branch, which would then be the merge base."""
    measuring = text_of("pull-request.yml")
    assert "          ref: ${{ github.event.pull_request.head.sha }}\n" in measuring
    assert "          fetch-depth: 0 " in measuring


def test_a_run_that_was_cancelled_is_told_too() -> None:
    """A comment that is there must not go on speaking for a commit without a result."""
    assert ".conclusion" not in text_of("comment.yml")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_measurement_has_a_runtime(path: Path) -> None:
    """A baseline holds for one, so it must not depend on whether Docker answers."""
    for step in re.split(r"^      - name: ", path.read_text("utf-8"), flags=re.MULTILINE):
        if any(command in step for command in MEASURES):
            assert "--perf-runtime=" in step, step


@pytest.mark.parametrize(
    ("name", "ref_type", "said"),
    [
        ("night", "branch", ""),
        ("0a.b_c-D", "branch", ""),
        ("", "branch", "The name may have"),
        ("-p", "branch", "The name may have"),
        ("../up", "branch", "The name may have"),
        ("a b", "branch", "The name may have"),
        ("a\nb", "branch", "The name may have"),
        ("$(x)", "branch", "The name may have"),
        ("n\u00e4", "branch", "The name may have"),
        ("night", "tag", "Start this workflow on a branch"),
    ],
)
def test_a_baseline_that_could_not_be_kept_is_not_recorded(
    name: str, ref_type: str, said: str
) -> None:
    """The first step refuses a name or a tag, before an hour is spent."""
    _, first, *_ = jobs(FOLDER / "baseline.yml")["record"].split("      - name: ")
    assert "          NAME: ${{ inputs.name }}\n" in first
    assert "          REF_TYPE: ${{ github.ref_type }}\n" in first
    (script,) = re.findall(r" run: \|\n((?: {10}.*\n)+)", first)
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, "-e", "-c", script],
        env={"NAME": name, "REF_TYPE": ref_type, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == (not said)
    assert done.stdout.startswith(f"::error::{said}" if said else "")
    assert done.stderr == ""


def test_an_engine_is_stopped_whatever_fails_after_its_start() -> None:
    """The script asks for its end before it is started."""
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    stop = "trap 'bash .ci/docker stop' EXIT"
    (asked,) = [n for n, line in enumerate(lines) if line.startswith(stop)]
    (started,) = [n for n, line in enumerate(lines) if "$(bash .ci/docker)" in line]
    assert asked < started
