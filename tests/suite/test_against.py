"""A run side by side with another revision, in a repository made for the purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import torch

from perf.report.schema import schema
from tests.support.repository import BASE, Edit, Repository, replaced
from tests.support.suite import Run, Suite, fresh_suite, tiny_model

NAME = "decentralized"
JOB = "perf/load/jobs/decentralized.py"
MODEL = "models/tiny.pt"
PAIRS = 3
OPEN = ("unchanged", "inconclusive")
# What a job waits. Without it other programs would decide how long a block takes.
NORMAL_S, SLOWER_S = 0.3, 0.9


def waiting(seconds: float, before: float = NORMAL_S) -> dict[str, Edit]:
    """Return the edit after which a job waits so long, and not as long as `before`."""
    return {JOB: replaced(f"time.sleep({before})", f"time.sleep({seconds})")}


def first_wait(text: str) -> str:
    """Return the code of the jobs with the wait that all revisions have."""
    text = replaced("import importlib\n", "import importlib\nimport time\n")(text)
    place = "    return load(target)(image)\n"
    return replaced(place, f"    time.sleep({NORMAL_S})\n{place}")(text)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A copy of this tree whose jobs wait, with a model beside the code."""
    root = tmp_path_factory.mktemp("repository")
    return Repository(root, edits={JOB: first_wait}, files=[Path(tiny_model())])


@pytest.fixture(scope="module")
def suite(repository: Repository) -> Iterator[Suite]:
    """A folder for runs of that copy; at the end nothing of them may be left."""
    with fresh_suite(repository.root) as made:
        yield made


def arguments(suite: Suite, *more: str) -> tuple[str, ...]:
    """Return the arguments of a small run; the cache, with the other trees, is its own."""
    return (
        *("--perf-model", MODEL, "--perf-cache", str(suite.folder / "cache")),
        *("--perf-scenario", NAME, "-k", "throughput", "--perf-pairs", str(PAIRS)),
        *("--perf-launches", str(PAIRS), "--perf-total", str(4 * PAIRS), *more),
    )


def against(suite: Suite, ref: str, *more: str) -> Run:
    """Run side by side with `ref`."""
    return suite.run(*arguments(suite, "--perf-against", ref, *more))


def test_the_same_code_passes(suite: Suite, repository: Repository) -> None:
    """HEAD beside itself is not called worse. The summary names the other tree."""
    run = against(suite, BASE)
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row(NAME)
    jsonschema.validate(run.result, schema())
    assert row["verdict"] in (*OPEN, "improved")
    assert row["against"] == BASE
    assert row["differences"] == []
    assert row["baseline_file"] is row["before"] is row["ratio"] is None
    assert [pair["launch"] for pair in row["pairs"]] == list(range(PAIRS))
    assert {one["quantity"] for one in row["quantities"]} >= {"throughput", "cpu", "p99"}
    assert repository.state() == ""
    tree = suite.folder / "cache" / "trees" / repository.commit(BASE)
    assert (tree / JOB).read_text("utf-8") == (repository.root / JOB).read_text("utf-8")
    assert list(tree.parent.iterdir()) == [tree]


def test_slower_code_is_a_regression(suite: Suite, repository: Repository) -> None:
    """The message names both trees and the change; it is red without any baseline."""
    slower = repository.revision("slower", edits=waiting(SLOWER_S))
    with repository.checked_out(slower):
        run = against(suite, BASE)
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    row = run.row(NAME)
    assert row["verdict"] == "regressed"
    assert row["change"]["high"] < 0.9
    (message,) = run.lines(f"{NAME} regressed: ")
    assert f"regressed: HEAD over {BASE}: throughput at equal pace " in message
    assert "Traceback" not in run.output


def test_faster_code_is_an_improvement(suite: Suite, repository: Repository) -> None:
    """Beside a slower revision HEAD is better, so the other tree runs its own code."""
    run = against(suite, repository.revision("was-slower", edits=waiting(SLOWER_S)))
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
    other = Repository(tmp_path / "other", edits={JOB: first_wait}, files=[])
    run = against(suite, str(other.root))
    assert run.code == pytest.ExitCode.OK, run.output
    assert run.row(NAME)["against"] == str(other.root)
    assert run.row(NAME)["differences"] == []
    assert other.state() == repository.state() == ""


def test_a_changed_row_is_named(suite: Suite, repository: Repository) -> None:
    """Each tree measures its own row; what differs stands in the report."""
    row = f'name = "{NAME}"\narm = "decentralized"\njobs = '
    fewer = {"perf/scenarios.toml": replaced(f'{row}"cores"', f"{row}1")}
    run = against(suite, repository.revision("fewer-jobs", edits=fewer))
    assert run.row(NAME)["differences"] == ["jobs 1 -> cores"]


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_each_tree_has_its_own_model(suite: Suite, repository: Repository) -> None:
    """A model that lies beside the code is, for the other tree, that tree's own file."""
    other = suite.folder / "other.pt"
    torch.jit.save(torch.jit.load(tiny_model()), other, _extra_files={"note": b"other"})
    files = {MODEL: other}
    run = against(suite, repository.revision("other-model", files=files))
    assert run.code == pytest.ExitCode.OK, run.output
    theirs, ours = (
        hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in (other, repository.root / MODEL)
    )
    assert run.row(NAME)["differences"] == [f"checkpoint {theirs} -> {ours}"]


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
        "it takes part by protocol 99",
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
    ref = repository.revision("no-row", edits={"perf/scenarios.toml": renamed})
    cache = ("--perf-model", MODEL, "--perf-cache", str(suite.folder / "cache"))
    row = ("-k", "throughput", "--perf-scenario", "serving-single")
    run = suite.run(*cache, *row, "--perf-against", ref)
    refused(run, f"--perf-against {ref}: --perf-scenario serving-single: no such scenario")
