"""A run side by side with another revision, in a repository made for the purpose."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from perf.judge.stored import EXTRA
from perf.report.schema import schema
from serving.model.cache import archive_digest
from tests.support.repository import BASE, Edit, Repository, replaced
from tests.support.suite import Run, Suite, fresh_suite, tiny_model

NAME = "decentralized"
JOB = "perf/load/jobs/decentralized.py"
MODEL = "models/tiny.pt"
# Each has one pair. The rule judges after two; a third costs six seconds of CPU time.
LAUNCHES, MORE = 2, 3
OPEN = ("unchanged", "inconclusive")
# What a baseline four times as fast leaves, with room for a busy machine.
LOST = 0.5
# What a job waits. Without it other programs would decide how long a block takes.
NORMAL_S, SLOWER_S = 0.3, 1.5
# It waits in pieces: a sleep goes on while the tree is stopped for the turn of the other.
PIECE_S = 0.02
TABLE = "perf/scenarios.toml"
ROW = f'name = "{NAME}"\narm = "decentralized"\njobs = "cores"\n'
# So wide that other programs alone bring no verdict about. The jobs compute almost nothing,
# so their CPU time and memory tell of the machine, not of the code.
WIDE = """against_tolerance = 0.4
memory_tolerance = 0.9
cpu_tolerance = 0.9
p99_tolerance = 0.9
"""


def waiting(seconds: float, before: float = NORMAL_S) -> dict[str, Edit]:
    """Return the edit after which a job waits so long, and not as long as `before`."""
    return {JOB: replaced(wait(before), wait(seconds))}


def wait(seconds: float) -> str:
    """Return the line of code that waits so long."""
    return f"    [time.sleep({PIECE_S}) for _ in range({round(seconds / PIECE_S)})]\n"


def first_wait(text: str) -> str:
    """Return the code of the jobs with the wait that all revisions have."""
    text = replaced("import importlib\n", "import importlib\nimport time\n")(text)
    place = "    return load(target)(image)\n"
    return replaced(place, f"{wait(NORMAL_S)}{place}")(text)


FIRST: dict[str, Edit] = {JOB: first_wait, TABLE: replaced(ROW, f"{ROW}{WIDE}")}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A copy of this tree whose jobs wait, with a model beside the code."""
    root = tmp_path_factory.mktemp("repository")
    return Repository(root, edits=FIRST, files=[Path(tiny_model())])


@pytest.fixture(scope="module")
def suite(repository: Repository) -> Iterator[Suite]:
    """A folder for runs of that copy; at the end nothing of them may be left."""
    with fresh_suite(repository.root) as made:
        yield made


@pytest.fixture(scope="module")
def slower(repository: Repository) -> str:
    """A revision whose jobs wait longer."""
    return repository.revision("slower", edits=waiting(SLOWER_S))


@pytest.fixture(scope="module")
def stored(suite: Suite, repository: Repository) -> Path:
    """The baseline that the base has recorded of itself."""
    run = suite.run(*arguments(suite, "--benchmark-save=stored"))
    assert run.code == pytest.ExitCode.OK, run.output
    (path,) = suite.baselines.glob("*/*_stored.json")
    commit = json.loads(path.read_text("utf-8"))["commit_info"]
    assert (commit["id"], commit["dirty"]) == (repository.commit(BASE), False)
    return path


def arguments(suite: Suite, *more: str, launches: int = LAUNCHES) -> tuple[str, ...]:
    """Return the arguments of a small run; the cache, with the other trees, is its own."""
    return (
        *("--perf-model", MODEL, "--perf-cache", str(suite.folder / "cache")),
        *("--perf-scenario", NAME, "-k", "throughput", "--perf-pairs", str(launches)),
        *("--perf-launches", str(launches), "--perf-total", str(4 * launches), *more),
    )


def against(suite: Suite, ref: str, *, launches: int = LAUNCHES) -> Run:
    """Run side by side with `ref`."""
    return suite.run(*arguments(suite, f"--perf-against={ref}", launches=launches))


def test_the_same_code_passes(suite: Suite, repository: Repository) -> None:
    """HEAD beside itself is not called worse. The summary names the other tree."""
    run = against(suite, BASE, launches=MORE)
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row(NAME)
    jsonschema.validate(run.result, schema())
    assert row["verdict"] in OPEN
    assert (row["against"], row["turn_s"]) == (BASE, 0.5)
    assert row["differences"] == []
    assert row["baseline_file"] is row["before"] is row["ratio"] is None
    # It ends as soon as the verdict is certain.
    assert [pair["launch"] for pair in row["pairs"]] in ([0, 1], [0, 1, 2])
    assert {one["quantity"] for one in row["quantities"]} >= {"throughput", "cpu", "p99"}
    assert repository.state() == ""
    tree = suite.folder / "cache" / "trees" / repository.commit(BASE)
    assert (tree / JOB).read_text("utf-8") == (repository.root / JOB).read_text("utf-8")
    assert list(tree.parent.iterdir()) == [tree]


def test_slower_code_is_a_regression(
    suite: Suite, repository: Repository, slower: str
) -> None:
    """The message names both trees and the change; it is red without any baseline."""
    with repository.checked_out(slower):
        run = against(suite, BASE)
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    row = run.row(NAME)
    assert row["verdict"] == "regressed"
    assert row["change"]["high"] < 0.9
    (message,) = run.lines(f"{NAME} regressed: ")
    assert f"regressed: HEAD over {BASE}: throughput at equal pace " in message
    assert "Traceback" not in run.output


def test_faster_code_is_an_improvement(suite: Suite, slower: str) -> None:
    """Beside a slower revision HEAD is better, so the other tree runs its own code."""
    run = against(suite, slower)
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row(NAME)
    assert row["verdict"] == "improved"
    assert row["change"]["low"] > 1.1


def test_what_is_not_committed_is_measured(suite: Suite, repository: Repository) -> None:
    """A changed tree is measured as it is, beside HEAD, and is called the working tree."""
    with repository.changed(waiting(SLOWER_S)):
        run = against(suite, "HEAD")
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    row = run.row(NAME)
    assert row["verdict"] == "regressed"
    assert "the working tree over HEAD: " in row["reason"]


def test_another_checkout_can_be_named(
    suite: Suite, repository: Repository, tmp_path: Path
) -> None:
    """A folder is another tree too; it is measured where it is."""
    other = Repository(tmp_path / "other", edits=FIRST, files=[])
    run = against(suite, str(other.root))
    assert run.code == pytest.ExitCode.OK, run.output
    assert run.row(NAME)["against"] == str(other.root)
    assert run.row(NAME)["differences"] == []
    assert other.state() == repository.state() == ""


def test_a_changed_row_is_named(suite: Suite, repository: Repository) -> None:
    """Each tree measures its own row; what differs stands in the report."""
    fewer = {TABLE: replaced(ROW, ROW.replace('"cores"', "1"))}
    run = against(suite, repository.revision("fewer-jobs", edits=fewer))
    assert run.row(NAME)["differences"] == ["jobs 1 -> cores"]


def test_each_tree_has_its_own_model(suite: Suite, repository: Repository) -> None:
    """A model that lies beside the code is, for the other tree, that tree's own file."""
    other = suite.folder / "other.pt"
    shutil.copy(tiny_model(), other)
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr("tiny/extra/note", "other")
    files = {MODEL: other}
    run = against(suite, repository.revision("other-model", files=files))
    assert run.code == pytest.ExitCode.OK, run.output
    theirs, ours = (archive_digest(path)[:12] for path in (other, repository.root / MODEL))
    assert run.row(NAME)["differences"] == [f"checkpoint {theirs} -> {ours}"]


def test_a_regression_is_settled_with_the_baselines_commit(
    suite: Suite, repository: Repository, slower: str, stored: Path
) -> None:
    """The run side by side counts. The message has what the baseline says as well."""
    with repository.checked_out(slower):
        run = suite.run(*arguments(suite))
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    row = run.row(NAME)
    jsonschema.validate(run.result, schema())
    assert row["verdict"] == row["before"]["verdict"] == "regressed"
    assert row["change"]["high"] < 0.9
    assert row["before"]["change"]["high"] < 0.9
    commit = f"the baseline's commit {repository.commit(BASE)[:12]}"
    assert row["against"] == commit
    assert row["baseline_file"] == str(stored)
    assert {pair["launch"] for pair in row["pairs"]} == {0, 1}
    assert len(row["against_pairs"]) >= 2
    (message,) = run.lines(f"{NAME} regressed: HEAD over {commit}: throughput ")
    assert f" Baseline {stored.name} alone says regressed: throughput " in message
    assert "Traceback" not in run.output


def test_with_confirm_never_the_baseline_alone_decides(
    suite: Suite, repository: Repository, slower: str, stored: Path
) -> None:
    """Nothing is measured side by side, and no other tree is mentioned."""
    with repository.checked_out(slower):
        run = suite.run(*arguments(suite, "--perf-confirm", "never"))
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    row = run.row(NAME)
    assert row["verdict"] == "regressed"
    assert row["against"] is row["before"] is None
    assert row["against_pairs"] == []
    (message,) = run.lines(f"{NAME} regressed: throughput ")
    assert f" since baseline {stored.name} " in message
    assert "side by side" not in run.output


def test_as_many_launches_are_measured_as_were_asked_for(
    suite: Suite, stored: Path
) -> None:
    """What a baseline leaves open is settled after all of them, not after the first two.

    On a busy machine the baseline may be certain of a loss before; then it is settled at
    once.
    """
    run = suite.run(*arguments(suite, launches=MORE))
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row(NAME)
    assert row["baseline_file"] == str(stored)
    launches = [pair["launch"] for pair in row["pairs"]]
    if row["before"]["verdict"] == "regressed":
        assert launches == list(range(len(launches)))
    else:
        assert row["before"]["verdict"] == "inconclusive"
        assert launches == list(range(MORE))


def test_a_false_alarm_of_a_baseline_is_no_failure(suite: Suite, stored: Path) -> None:
    """Where the machine was faster on the day of the baseline, the code is not blamed.

    The throughput in a copy of the baseline is raised, as such a machine would have it. On
    a busy machine the baseline may leave it open; then the commit beside settles it too.
    """
    result = json.loads(stored.read_text("utf-8"))
    (benchmark,) = result["benchmarks"]
    for pair in benchmark["extra_info"][EXTRA]["pairs"]:
        pair["scenario"]["rps"] *= 4
    folder = suite.folder / "raised"
    raised = folder / stored.parent.name / stored.name
    raised.parent.mkdir(parents=True)
    raised.write_text(json.dumps(result), encoding="utf-8")
    run = suite.run(*arguments(suite, f"--benchmark-storage=file://{folder}"))
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row(NAME)
    before = row["before"]
    assert before["verdict"] in ("regressed", "inconclusive")
    assert before["change"]["estimate"] < LOST
    assert row["verdict"] in OPEN
    assert row["baseline_file"] == str(raised)


def refused(run: Run, *words: str) -> None:
    """Assert that a run failed with one line that has all words, and no traceback."""
    assert run.code in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR)
    said = [line for line in run.output.splitlines() if all(w in line for w in words)]
    begins = [line.removeprefix("ERROR: ").startswith(words[0]) for line in said]
    assert begins.count(True) == 1, run.output
    for noise in ("Traceback", "INTERNALERROR", "During handling", "ConfigError"):
        assert noise not in run.output


def test_an_unknown_revision_is_refused(suite: Suite) -> None:
    """The message names the option; nothing is measured."""
    refused(against(suite, "v9"), "--perf-against v9: ", "no such git revision")


PROTOCOL = "perf/experiment/against/protocol.py"
UNKNOWN_PACKAGE = "serving-perf-has-no-such-package==1.0"
TOO_OLD: dict[str, tuple[dict[str, Edit], str, str]] = {
    "no-suite": ({}, "perf", "it has no perf/scenarios.toml"),
    "no-host": ({}, "perf/experiment/against", "so it is too old to take part"),
    "other-protocol": (
        {PROTOCOL: replaced("PROTOCOL = 1\n", "PROTOCOL = 99\n")},
        "",
        "it uses protocol 99",
    ),
    "no-such-package": (
        {"serving/requirements.txt": lambda text: f"{text}\n{UNKNOWN_PACKAGE}\n"},
        "",
        "its environment cannot be built: ERROR: ",
    ),
}


@pytest.mark.parametrize("case", TOO_OLD)
def test_a_revision_that_cannot_take_part_is_refused(
    case: str, suite: Suite, repository: Repository
) -> None:
    """The message names the option and says why; no half-built environment is kept."""
    edits, without, why = TOO_OLD[case]
    ref = repository.revision(case, edits=edits, without=without)
    refused(against(suite, ref), f"--perf-against {ref}: ", why)
    assert suite.left_over() == []
    built = list((suite.folder / "cache").glob("environments/*"))
    assert [path for path in built if path.is_dir()] == []


def test_a_row_that_the_other_tree_lacks_is_refused(
    suite: Suite, repository: Repository
) -> None:
    """A new scenario has nothing to be measured beside; the message names it."""
    renamed = replaced('name = "serving-single"\n', 'name = "serving-alone"\n')
    ref = repository.revision("no-row", edits={TABLE: renamed})
    cache = ("--perf-model", MODEL, "--perf-cache", str(suite.folder / "cache"))
    row = ("-k", "throughput", "--perf-scenario", "serving-single")
    run = suite.run(*cache, *row, f"--perf-against={ref}")
    refused(run, f"--perf-against {ref}: --perf-scenario serving-single: no such scenario")
