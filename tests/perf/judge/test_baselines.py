"""Finding the baseline that applies, in the files of pytest-benchmark."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pytest_benchmark.storage.file import FileStorage

from perf.judge.baselines import BaselineStore
from perf.judge.stored import EXTRA
from tests.perf.judge.storage import (
    HARNESS,
    NAME,
    WITHOUT_PACE,
    fault,
    found_in,
    identity,
    only_one,
)
from tests.support.fakes import IDENTITY, entry, pairs_of, write_baseline

pytest_plugins = ("pytester",)


@pytest.mark.slow(reason="starts pytest twice")
def test_files_of_pytest_benchmark_itself(pytester: pytest.Pytester) -> None:
    """Files that pytest-benchmark saved are read, and the newest one applies."""
    pytester.makepyfile(
        f"""
        import json, os

        def test_throughput(benchmark):
            benchmark.extra_info |= json.loads(os.environ["EXTRA_INFO"])
            benchmark.pedantic(lambda: None, rounds=2)

        def test_harness(benchmark):
            benchmark.extra_info |= {HARNESS!r}
            benchmark.pedantic(lambda: None, rounds=2)
        """
    )
    storage = pytester.path / "baselines"
    for name, ratio in (("first", 2.0), ("second", 4.0)):
        with pytest.MonkeyPatch.context() as patch:
            extra = entry(pairs=pairs_of(ratio, ratio))
            patch.setenv("EXTRA_INFO", json.dumps(extra))
            pytester.runpytest_subprocess(
                f"--benchmark-save={name}", f"--benchmark-storage=file://{storage}"
            ).assert_outcomes(passed=2)
    store = BaselineStore(storage)
    baseline, reason = store.find(NAME, IDENTITY)
    assert baseline is not None, reason
    assert baseline.path.name == "0002_second.json"
    assert baseline.identity == IDENTITY
    ratios = [pair.scenario.rps / pair.reference.rps for pair in baseline.sample.pairs]
    assert ratios == [4.0, 4.0]
    assert found_in(storage, "0001") == "0001_first.json"


def test_the_highest_number_applies(tmp_path: Path) -> None:
    """The highest number is the newest; names and modification times do not matter."""
    newest = write_baseline(tmp_path, "0010_a.json", entry())
    for name in ("0009_z.json", "0002_b.json"):
        write_baseline(tmp_path, name, entry())
    os.utime(newest, (0, 0))
    assert found_in(tmp_path) == "0010_a.json"


@pytest.mark.parametrize(
    ("written", "commit"),
    [
        ({"id": "383fe61f7988", "dirty": False}, "383fe61f7988"),
        ({"id": "383fe61f7988", "dirty": True}, ""),
        ({"id": "unknown", "dirty": False, "error": "no git"}, ""),
        ({}, ""),
        (None, ""),
        ("383fe61f7988", ""),
    ],
)
def test_the_commit_is_known_where_nothing_was_changed(
    tmp_path: Path, written: object, commit: str
) -> None:
    """A result of changed files has no commit to measure again, and nor has one of none."""
    path = write_baseline(tmp_path, "0001_a.json", entry())
    stored = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**stored, "commit_info": written}), "utf-8")
    assert only_one(tmp_path).commit == commit


def test_a_file_without_commit_has_none(tmp_path: Path) -> None:
    """A file that says nothing of a commit can be read."""
    write_baseline(tmp_path, "0001_a.json", entry())
    assert only_one(tmp_path).commit == ""


def test_a_baseline_without_pace_does_not_apply(tmp_path: Path) -> None:
    """A file of schema 3 is no error and no baseline, and the reason says what to do."""
    write_baseline(tmp_path, "0002_a.json", HARNESS, WITHOUT_PACE)
    assert BaselineStore(tmp_path).all() == ()
    assert found_in(tmp_path) == (
        "0002_a.json is of an older suite and has no pace: record it again with "
        "--benchmark-save"
    )
    other, reason = BaselineStore(tmp_path).find("serving-single", IDENTITY)
    assert other is None
    assert reason == f"no baseline for serving-single in {tmp_path}"


def test_a_baseline_without_pace_hides_no_other(tmp_path: Path) -> None:
    """An older or newer file that applies does; of another one the reason is told."""
    write_baseline(tmp_path, "0002_b.json", WITHOUT_PACE)
    write_baseline(tmp_path, "0001_a.json", entry(identity=identity(runtime="docker")))
    assert found_in(tmp_path).startswith("0001_a.json does not apply: runtime is process")
    write_baseline(tmp_path, "0001_a.json", entry())
    assert found_in(tmp_path) == "0001_a.json"
    write_baseline(tmp_path, "0003_c.json", entry())
    assert found_in(tmp_path) == "0003_c.json"


def test_an_older_file_applies_where_the_newer_does_not(tmp_path: Path) -> None:
    """A newer result of another machine does not hide an older one of this machine."""
    write_baseline(tmp_path, "0001_here.json", entry())
    other = entry(identity=identity(machine_class="arm64-64cpu"))
    write_baseline(tmp_path, "0002_there.json", other, platform="Linux-CPython-3.12-64bit")
    assert found_in(tmp_path) == "0001_here.json"


def test_each_scenario_of_a_file_has_its_own_pairs(tmp_path: Path) -> None:
    """A file can hold several scenarios, and a baseline applies by the scenario's name."""
    write_baseline(
        tmp_path,
        "0001_all.json",
        HARNESS,
        entry("serving-single", pairs=pairs_of(2.0, 2.0)),
        entry(NAME, pairs=pairs_of(3.0, 3.0)),
    )
    baseline, _ = BaselineStore(tmp_path).find(NAME, IDENTITY)
    assert baseline is not None
    assert baseline.sample.pairs[0].scenario.rps == 6.0
    assert BaselineStore(tmp_path).find("serving-workers-2", IDENTITY)[0] is None


@pytest.mark.parametrize("make", [True, False])
def test_without_a_file_there_is_no_baseline(tmp_path: Path, *, make: bool) -> None:
    """If the folder is empty or missing, the reason says that it has no baseline."""
    folder = tmp_path / "baselines"
    if make:
        folder.mkdir()
    assert found_in(folder) == f"no baseline for {NAME} in {folder}"


def test_other_files_are_not_read(tmp_path: Path) -> None:
    """Only files with names like those of pytest-benchmark are read."""
    for name in ("notes.json", "0001_notes.txt"):
        (tmp_path / name).write_text("no JSON", "utf-8")
        platform = tmp_path / "Linux-CPython-3.11-64bit"
        platform.mkdir(exist_ok=True)
        (platform / name).write_text("no JSON", "utf-8")
    assert found_in(tmp_path).startswith("no baseline for")


def test_one_pair_is_no_baseline(tmp_path: Path) -> None:
    """A stored scenario with one pair has no spread and is left out."""
    write_baseline(tmp_path, "0001_short.json", entry(pairs=pairs_of(3.0)))
    assert found_in(tmp_path).startswith("no baseline for")


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (
            {"machine_class": "arm64-64cpu"},
            f"machine_class is {IDENTITY.machine_class}, in the baseline arm64-64cpu",
        ),
        ({"runtime": "docker"}, "runtime is process, in the baseline docker"),
        (
            {"model": {"name": "resnet18", "weights": "seeded"}},
            "model.name is resnet152, in the baseline resnet18",
        ),
        (
            {"model": {**IDENTITY.model, "sha256": "abc"}},
            "model.sha256 is None, in the baseline abc",
        ),
        (
            {"spec": {**IDENTITY.spec, "batch_size": 4}},
            "spec.batch_size is 8, in the baseline 4",
        ),
        (
            {"spec": {"workers": 1, "batch_size": 8}},
            "spec.images is 1, in the baseline None",
        ),
        (
            {"versions": {"torch": "1", "python": "3"}},
            "versions.torch is 2, in the baseline 1",
        ),
    ],
)
def test_a_baseline_with_another_identity_does_not_apply(
    tmp_path: Path, there: dict[str, object], words: str
) -> None:
    """The reason names what differs, and nothing else."""
    write_baseline(tmp_path, "0001_other.json", entry(identity=identity(**there)))
    assert found_in(tmp_path) == f"0001_other.json does not apply: {words}"


def test_the_reason_names_the_nearest_baseline(tmp_path: Path) -> None:
    """If several do not apply, the reason has all differences of the one with fewest."""
    there = identity(runtime="docker", machine_class="arm64-64cpu")
    write_baseline(tmp_path, "0002_b.json", entry(identity=there))
    reason = found_in(tmp_path)
    assert reason.startswith("0002_b.json does not apply: machine_class is ")
    assert reason.endswith("; runtime is process, in the baseline docker")
    write_baseline(tmp_path, "0001_a.json", entry(identity=identity(runtime="docker")))
    expected = "0001_a.json does not apply: runtime is process, in the baseline docker"
    assert found_in(tmp_path) == expected


def test_differences_name_what_changed(tmp_path: Path) -> None:
    """Each fact that has changed is named with both values, and no other fact is."""
    then = {"torch": "2.13.0", "kernel": "6.1", "CPU": "Zen 4", "java": "17"}
    write_baseline(tmp_path, "0001_a.json", entry(about=then))
    baseline = only_one(tmp_path)
    assert baseline.about == then
    assert baseline.differences(then) == []
    assert baseline.differences({**then, "torch": "2.14.1"}) == ["torch 2.13.0 -> 2.14.1"]
    now = {"torch": "2.14.1", "kernel": "6.8", "CPU": "Zen 4", "image digest": "abc"}
    assert baseline.differences(now) == ["kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1"]


def test_facts_decide_nothing(tmp_path: Path) -> None:
    """A baseline applies with other facts, and without any."""
    write_baseline(tmp_path, "0001_a.json", entry(about={"kernel": "another"}))
    assert found_in(tmp_path) == "0001_a.json"
    stored = entry()[EXTRA]
    assert isinstance(stored, dict)
    del stored["about"]
    write_baseline(tmp_path, "0002_b.json", {EXTRA: stored})
    assert found_in(tmp_path) == "0002_b.json"
    assert only_one(tmp_path).differences({"kernel": "some"}) == []


def test_a_baseline_of_the_same_cpu_comes_first(tmp_path: Path) -> None:
    """One of another CPU applies only where there is no other, however new it is."""
    here = identity(cpu="Zen 4")
    write_baseline(tmp_path, "0001_a.json", entry(about={"CPU": "Zen 5"}))
    elsewhere, _ = BaselineStore(tmp_path).find(NAME, here)
    assert elsewhere is not None
    assert here.is_of_another_cpu(elsewhere.identity)
    write_baseline(tmp_path, "0002_b.json", entry(about={"CPU": "Zen 4"}))
    write_baseline(tmp_path, "0003_c.json", entry(about={"CPU": "Zen 5"}))
    store = BaselineStore(tmp_path)
    own, _ = store.find(NAME, here)
    assert own is not None
    assert own.path.name == "0002_b.json"
    assert not here.is_of_another_cpu(own.identity)
    assert store.newest_file({NAME: here}) == own.path


@pytest.mark.parametrize(("here", "there"), [("", "Zen 4"), ("Zen 4", ""), ("", "")])
def test_an_unknown_cpu_is_no_other_cpu(here: str, there: str) -> None:
    """Nothing is said to differ that nobody knows; and no entry has the CPU twice."""
    assert not identity(cpu=here).is_of_another_cpu(identity(cpu=there))
    assert identity(cpu=here).differences(identity(cpu=there)) == []
    assert "cpu" not in identity(cpu=here).model_dump(mode="json")


@pytest.mark.parametrize(
    "only",
    [
        "0001",
        "0002",
        "0002_b",
        "000",
        "0002_b.json",
        "*_a",
        "Linux*/0001",
        "*/0002",
        "0003",
    ],
)
def test_only_means_the_same_as_for_pytest_benchmark(tmp_path: Path, only: str) -> None:
    """`--benchmark-compare=0001` selects the same files for the gate."""
    names = ("0001_a.json", "0002_b.json", "0011_c.json")
    for name in names:
        write_baseline(tmp_path, name, entry())
    loaded = {path.name for path in FileStorage(tmp_path, None).query(only)}
    wanted = max(
        loaded, default=f"no baseline for {NAME} in {tmp_path} (--benchmark-compare={only})"
    )
    assert found_in(tmp_path, only) == wanted


def test_only_may_be_a_file(tmp_path: Path) -> None:
    """A file in any folder may be named by its path."""
    write_baseline(tmp_path / "baselines", "0002_b.json", entry())
    path = write_baseline(tmp_path / "elsewhere", "mine.json", entry())
    assert found_in(tmp_path / "baselines", str(path)) == "mine.json"


def test_with_only_other_files_are_not_read(tmp_path: Path) -> None:
    """A damaged file is no error where it is not asked for."""
    write_baseline(tmp_path, "0001_a.json", entry())
    write_baseline(tmp_path, "0002_b.json").write_text("{", "utf-8")
    assert found_in(tmp_path, "0001") == "0001_a.json"
    assert "0002_b.json is damaged" in fault(tmp_path)


def test_the_newest_file_for_a_run(tmp_path: Path) -> None:
    """It is the newest file with a baseline that applies to any scenario of the run."""
    write_baseline(tmp_path, "0001_a.json", entry("serving-single"), entry())
    newest = write_baseline(tmp_path, "0002_b.json", entry())
    other = entry("serving-single", identity=identity(runtime="docker"))
    write_baseline(tmp_path, "0003_c.json", other)
    store = BaselineStore(tmp_path)
    assert store.newest_file({NAME: IDENTITY, "serving-single": IDENTITY}) == newest
    single = store.newest_file({"serving-single": IDENTITY})
    assert single is not None
    assert single.name == "0001_a.json"
    assert store.newest_file({"serving-workers-2": IDENTITY}) is None
    assert store.newest_file({}) is None
