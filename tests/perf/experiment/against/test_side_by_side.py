"""What a host is told: the options that change what it measures, and where files are."""

from __future__ import annotations

import os
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from perf.config.table import Table
from perf.experiment.against import side_by_side as module
from perf.experiment.against.hosted import HostedArm
from perf.experiment.against.side_by_side import (
    SideBySide,
    _differences,
    _kept_jobs,
    placed,
)
from perf.experiment.against.tree import Tree, own_tree
from perf.experiment.context import RunContext
from perf.machine.lock import is_alive
from perf.stats import Block, Pair, Verdict
from serving.errors import PerfError


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Another tree; beside it is a folder that stands in for ours, with the same model."""
    ours = tmp_path / "ours"
    root = tmp_path / "theirs"
    for tree in (ours, root):
        (tree / "models").mkdir(parents=True)
        (tree / "models" / "both.pt").touch()
    (ours / "models" / "new.pt").touch()
    monkeypatch.setattr(module, "ROOT", ours)
    monkeypatch.chdir(ours)
    return Tree(root=root, label="v1.4", commit="", changed=False)


def test_a_path_in_our_tree_becomes_that_of_the_other(theirs: Tree) -> None:
    """A model beside the code may have changed with it. Relative paths become absolute."""
    expected = str(theirs.root / "models" / "both.pt")
    assert placed({"model": "models/both.pt"}, theirs) == {"model": expected}
    assert placed({"model": str(Path("models/both.pt").resolve())}, theirs) == {
        "model": expected
    }
    folders = placed({"images": "models", "docker_wheels": "./models/"}, theirs)
    assert set(folders.values()) == {str(theirs.root / "models")}


def test_a_path_that_the_other_tree_lacks_stays_ours(theirs: Tree) -> None:
    """The same model is measured then, with the other code."""
    found = placed({"model": "models/new.pt"}, theirs)
    assert found == {"model": str(Path("models/new.pt").resolve())}


def test_a_path_outside_our_tree_stays(theirs: Tree, tmp_path: Path) -> None:
    """Both trees measure the same file; a relative path becomes absolute."""
    outside = tmp_path / "mine.pt"
    outside.touch()
    assert placed({"model": str(outside)}, theirs) == {"model": str(outside)}
    assert placed({"model": "../mine.pt"}, theirs) == {"model": str(outside)}


def test_what_is_no_path_stays(theirs: Tree) -> None:
    """A model's name, a missing folder and other options are passed on as they came."""
    given = {"model": "resnet18", "images": "/no/such", "threads": 2, "cache": "models"}
    assert placed(given, theirs) == given
    Path("resnet18").mkdir()  # a name is no path, whatever lies here
    assert placed(given, theirs) == given
    nothing = {"model": None, "images": ""}
    assert placed(nothing, theirs) == nothing


def test_servers_of_killed_hosts_are_ended_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would use the machine while the trees are measured."""
    done: list[object] = []
    monkeypatch.setattr(module, "end_left_servers", lambda *given: done.append(given))
    monkeypatch.setattr(SideBySide, "_run", lambda *_: done.append("measured"))
    context = SimpleNamespace(lab=SimpleNamespace(runtime=SimpleNamespace(name="process")))
    nothing: Any = None
    tree = Tree(root=Path(), label="v1.4", commit="", changed=False)
    SideBySide(cast("RunContext", context), nothing, tree, "").run(nothing, None)
    assert done == [("process", is_alive), "measured"]


def test_the_first_arm_is_stopped_where_the_second_cannot_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its host would go on for the rest of the run."""
    stopped: list[str] = []

    def arm(self: SideBySide, tree: Tree, stack: ExitStack) -> None:
        if tree is self.tree:
            raise PerfError("no model")
        stack.callback(stopped.append, tree.label)

    monkeypatch.setattr(module, "end_left_servers", lambda *_: None)
    monkeypatch.setattr(SideBySide, "_arm", arm)
    lab = SimpleNamespace(runtime=SimpleNamespace(name="process"))
    context = SimpleNamespace(lab=lab, preparing=nullcontext)
    theirs = Tree(root=tmp_path, label="v1.4", commit="", changed=False)
    nothing: Any = None
    beside = SideBySide(cast("RunContext", context), nothing, theirs, "")
    with pytest.raises(PerfError, match="no model"):
        beside.run(nothing, None)
    assert stopped == [own_tree().label]


@pytest.mark.parametrize(("turn_s", "asked_s"), [(0.5, 240), (0.0, None)])
def test_a_host_gets_the_limits_of_the_run(
    theirs: Tree, monkeypatch: pytest.MonkeyPatch, turn_s: float, asked_s: int | None
) -> None:
    """In turns a job has twice as long; messages give the limit that the user gave."""
    made: list[tuple[dict[str, object], dict[str, object]]] = []

    def host(
        _tree: object, _python: str, options: dict[str, object], _: str, **limits: object
    ) -> object:
        made.append((options, limits))
        return SimpleNamespace(stop=lambda: None)

    monkeypatch.setattr(module, "HostedArm", host)
    monkeypatch.setattr(module, "python_of", lambda *_: "python")
    settings = SimpleNamespace(
        turn_s=turn_s,
        device="cpu",
        cache=Path("cache"),
        startup_timeout_s=300,
        job_timeout_s=120,
        docker=SimpleNamespace(wheels=Path("wheels")),
    )
    Path("wheels").mkdir()
    header = SimpleNamespace(runtime="process")
    context = SimpleNamespace(settings=settings, header=header, options={"turn": turn_s})
    row = Table.read().scenario[0]
    with ExitStack() as stack:
        SideBySide(cast("RunContext", context), row, theirs, "")._arm(theirs, stack)
    ((options, limits),) = made
    assert limits == {"startup_timeout_s": 300, "job_timeout_s": 120}
    assert options.get("job_timeout") == asked_s
    # A relative folder in a variable would be looked for in the other tree.
    assert options["docker_wheels"] == str(Path("wheels").resolve())
    assert "turn" not in options


@pytest.mark.parametrize(
    ("settles", "verdict"), [(False, Verdict.INCONCLUSIVE), (True, Verdict.UNCHANGED)]
)
def test_only_what_a_baseline_left_open_has_the_row_s_own_tolerance(
    theirs: Tree, *, settles: bool, verdict: Verdict
) -> None:
    """Launches that differ by 3 % leave a change of 2 % open, and exclude one of 5 %."""
    row = Table.read().scenario[0]
    assert (row.against_tolerance, row.tolerance) == (0.02, 0.05)
    context = cast("RunContext", SimpleNamespace(judged=1))
    beside = SideBySide(context, row, theirs, "", settles=settles)
    pairs = [
        Pair(Block(4.0 * times, 1.0), Block(4.0, 1.0), launch)
        for launch, times in enumerate((1.03, 0.97) * 4)
    ]
    assert beside._judge(pairs, len(pairs)).verdict is Verdict.INCONCLUSIVE
    assert beside._at_the_end(pairs, len(pairs)).verdict is verdict


@pytest.mark.parametrize(
    ("row", "runtime", "user", "in_turns"),
    [
        ("serving-batch", "process", 1000, True),
        ("serving-batch", "docker", 0, True),
        ("serving-batch", "docker", 1000, False),
        ("decentralized", "docker", 1000, True),
        ("capacity-batch", "process", 0, False),
    ],
)
def test_there_are_turns_only_where_both_trees_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch, row: str, runtime: str, user: int, *, in_turns: bool
) -> None:
    """A server that goes on in the other's turn would be measured as too fast."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    context = SimpleNamespace(
        settings=SimpleNamespace(turn_s=0.5, device="cpu"),
        header=SimpleNamespace(runtime=runtime),
    )
    scenario = Table.read().find(row)
    beside = SideBySide(cast("RunContext", context), scenario, own_tree(), "")
    assert beside._in_turns is in_turns


def test_differences_name_what_changed() -> None:
    """Theirs comes first; what only one side has is none on the other."""
    found = _differences({"torch": "2.1", "old": "1"}, {"torch": "2.2", "new": "3"})
    assert found == ("new none -> 3", "old 1 -> none", "torch 2.1 -> 2.2")
    assert _differences({"torch": "2.1"}, {"torch": "2.1"}) == ()


def test_jobs_that_stay_in_one_tree_alone_are_told() -> None:
    """What they have in common in all launches cannot be seen in their spread."""
    kept, anew = (
        cast("HostedArm", SimpleNamespace(keeps_jobs=keeps)) for keeps in (True, False)
    )
    assert list(_kept_jobs(kept, anew)) == ["jobs started anew in each launch no -> yes"]
    assert list(_kept_jobs(anew, kept)) == ["jobs started anew in each launch yes -> no"]
    assert not list(_kept_jobs(kept, kept))
    assert not list(_kept_jobs(anew, anew))
