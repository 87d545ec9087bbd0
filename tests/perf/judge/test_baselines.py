"""Baselines are pytest-benchmark's own files, and apply only to what they were made of."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pytest_benchmark.storage.file import FileStorage

from perf.judge.baselines import Baseline, BaselineStore
from perf.judge.stored import EXTRA, SCHEMA_VERSION, Identity
from perf.stats import Pair
from serving.errors import ConfigError
from tests.support.fakes import IDENTITY, RECORDED, entry, pairs_of, write_baseline

pytest_plugins = ("pytester",)

NAME = "serving-batch"
PAIR = {"scenario_rps": 6.0, "reference_rps": 2.0, "launch": 0}
HARNESS = {
    EXTRA: {
        "schema_version": SCHEMA_VERSION,
        "ceiling_rps": 300.0,
        "cpu_ms_per_job": 3.0,
    }
}


def identity(**changes: object) -> Identity:
    """Return the identity with some of its fields changed."""
    return IDENTITY.model_copy(update=changes)


def only_one(folder: Path) -> Baseline:
    """Return the baseline that applies; fails where none does."""
    baseline, reason = BaselineStore(folder).find(NAME, IDENTITY)
    assert baseline is not None, reason
    return baseline


def found_in(folder: Path, only: str | None = None) -> str:
    """Return the name of the file whose baseline applies, or the reason why none does."""
    baseline, reason = BaselineStore(folder, only).find(NAME, IDENTITY)
    assert (baseline is None) == bool(reason)
    return baseline.path.name if baseline else reason


def fault(folder: Path) -> str:
    """Return what is said of a storage that cannot be read."""
    with pytest.raises(ConfigError) as caught:
        BaselineStore(folder)
    assert len(str(caught.value).splitlines()) == 1
    assert "--benchmark-storage" in str(caught.value)
    return str(caught.value)


def test_files_of_pytest_benchmark_itself(pytester: pytest.Pytester) -> None:
    """What pytest-benchmark saves is read back whole, its newest file first."""
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
    assert [p.scenario_rps / p.reference_rps for p in baseline.sample.pairs] == [4.0, 4.0]
    assert found_in(storage, "0001") == "0001_first.json"


def test_newest_number_applies(tmp_path: Path) -> None:
    """The highest number is the newest, whatever the names and the files' own times."""
    newest = write_baseline(tmp_path, "0010_a.json", entry())
    for name in ("0009_z.json", "0002_b.json"):
        write_baseline(tmp_path, name, entry())
    os.utime(newest, (0, 0))
    assert found_in(tmp_path) == "0010_a.json"


def test_older_file_applies_where_the_newer_does_not(tmp_path: Path) -> None:
    """A newer result of another machine hides no older one of this machine."""
    write_baseline(tmp_path, "0001_here.json", entry())
    other = entry(identity=identity(machine_class="arm64-64cpu"))
    write_baseline(tmp_path, "0002_there.json", other, platform="Linux-CPython-3.12-64bit")
    assert found_in(tmp_path) == "0001_here.json"


def test_scenarios_of_one_file_are_told_apart(tmp_path: Path) -> None:
    """A file holds many scenarios; each name has its own pairs, another's never apply."""
    write_baseline(
        tmp_path,
        "0001_all.json",
        HARNESS,
        entry("serving-single", pairs=pairs_of(2.0, 2.0)),
        entry(NAME, pairs=pairs_of(3.0, 3.0)),
    )
    baseline, _ = BaselineStore(tmp_path).find(NAME, IDENTITY)
    assert baseline is not None
    assert baseline.sample.pairs[0].scenario_rps == 6.0
    assert BaselineStore(tmp_path).find("serving-workers-2", IDENTITY)[0] is None


@pytest.mark.parametrize("make", [True, False])
def test_no_file(tmp_path: Path, *, make: bool) -> None:
    """An empty folder, and one that is missing, hold no baseline; the reason says so."""
    folder = tmp_path / "baselines"
    if make:
        folder.mkdir()
    assert found_in(folder) == f"no baseline of {NAME} in {folder}"


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """Only files named as pytest-benchmark names them are read."""
    for name in ("notes.json", "0001_notes.txt"):
        (tmp_path / name).write_text("no JSON", "utf-8")
        platform = tmp_path / "Linux-CPython-3.11-64bit"
        platform.mkdir(exist_ok=True)
        (platform / name).write_text("no JSON", "utf-8")
    assert found_in(tmp_path).startswith("no baseline of")


def test_one_pair_is_no_baseline(tmp_path: Path) -> None:
    """A stored scenario of one pair has no spread to compare with."""
    write_baseline(tmp_path, "0001_short.json", entry(pairs=pairs_of(3.0)))
    assert found_in(tmp_path).startswith("no baseline of")


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (
            {"machine_class": "arm64-64cpu"},
            f"machine_class is {IDENTITY.machine_class}, there arm64-64cpu",
        ),
        ({"runtime": "docker"}, "runtime is process, there docker"),
        (
            {"model": {"name": "resnet18", "weights": "seeded"}},
            "model.name is resnet152, there resnet18",
        ),
        (
            {"model": {**IDENTITY.model, "sha256": "abc"}},
            "model.sha256 is None, there abc",
        ),
        (
            {"spec": {**IDENTITY.spec, "batch_size": 4}},
            "spec.batch_size is 8, there 4",
        ),
        ({"spec": {"workers": 1, "batch_size": 8}}, "spec.images is 1, there None"),
        ({"versions": {"torch": "1", "python": "3"}}, "versions.torch is 2, there 1"),
    ],
)
def test_baseline_of_something_else(
    tmp_path: Path, there: dict[str, object], words: str
) -> None:
    """What differs in anything does not apply, and the reason names that alone."""
    write_baseline(tmp_path, "0001_other.json", entry(identity=identity(**there)))
    assert found_in(tmp_path) == f"0001_other.json does not apply: {words}"


def test_reason_names_all_that_differs_in_the_nearest(tmp_path: Path) -> None:
    """Of several that do not apply, the one with the fewest differences is named."""
    there = identity(runtime="docker", machine_class="arm64-64cpu")
    write_baseline(tmp_path, "0002_b.json", entry(identity=there))
    reason = found_in(tmp_path)
    assert reason.startswith("0002_b.json does not apply: machine_class is ")
    assert reason.endswith("; runtime is process, there docker")
    write_baseline(tmp_path, "0001_a.json", entry(identity=identity(runtime="docker")))
    told = "0001_a.json does not apply: runtime is process, there docker"
    assert found_in(tmp_path) == told


def test_identity_survives_the_file(tmp_path: Path) -> None:
    """Numbers, lists and nothing at all are equal to themselves when read back."""
    spec = {"workers": None, "batch_delay_ms": 100, "share": 0.1, "rows": ["a", "b"]}
    mine = identity(spec=spec)
    write_baseline(tmp_path, "0001_a.json", entry(identity=mine))
    assert BaselineStore(tmp_path).find(NAME, mine)[0] is not None


def test_all_of_a_pair_survives_the_file(tmp_path: Path) -> None:
    """The yardstick's speed and the launch come back as they were stored."""
    stored = pairs_of(3.0, 3.5, launches=2, yardstick_rps=7.25)
    write_baseline(tmp_path, "0001_a.json", entry(pairs=stored))
    assert only_one(tmp_path).sample.pairs == (
        Pair(6.0, 2.0, 0, yardstick_rps=7.25),
        Pair(7.0, 2.0, 1, yardstick_rps=7.25),
    )


def runs_at(*begins: int) -> list[dict[str, object]]:
    """Return runs that begin at these launches, as they are stored."""
    return [{"recorded": f"at {begin}", "first_launch": begin} for begin in begins]


def with_runs(*begins: int) -> dict[str, object]:
    """Return an entry of four launches, and of runs that begin at some of them."""
    return entry(pairs=pairs_of(*[3.0] * 8, launches=4), runs=runs_at(*begins))


def test_runs_are_told_apart(tmp_path: Path) -> None:
    """Each run has the launches from its first to the next one's; without any, all."""
    write_baseline(tmp_path, "0001_a.json", with_runs(0, 1))
    runs = only_one(tmp_path).runs
    assert [run.recorded for run in runs] == ["at 0", "at 1"]
    assert [set(run.sample.launches.tolist()) for run in runs] == [{0}, {1, 2, 3}]
    write_baseline(tmp_path, "0001_a.json", with_runs())
    assert [run.recorded for run in only_one(tmp_path).runs] == [RECORDED]
    assert len(only_one(tmp_path).sample) == 8


@pytest.mark.parametrize("begins", [(1,), (0, 0), (0, 2, 1)])
def test_runs_that_overlap_are_damage(tmp_path: Path, begins: tuple[int, ...]) -> None:
    """No pair may be lost, or be in two runs."""
    write_baseline(tmp_path, "0001_a.json", with_runs(*begins))
    with pytest.raises(ConfigError, match="runs begin at launches"):
        BaselineStore(tmp_path)


@pytest.mark.parametrize("stored", [PAIR, {**PAIR, "yardstick_rps": None}])
def test_what_was_not_measured_stays_unknown(
    tmp_path: Path, stored: dict[str, object]
) -> None:
    """A pair without a yardstick is whole; it is None then."""
    write_baseline(tmp_path, "0001_a.json", entry(pairs=[stored] * 2))
    assert only_one(tmp_path).sample.pairs == (Pair(6.0, 2.0, 0),) * 2


def test_differences_name_what_changed(tmp_path: Path) -> None:
    """Each fact that is another now is named with both values, and no other fact."""
    then = {"torch": "2.13.0", "kernel": "6.1", "CPU": "Zen 4", "java": "17"}
    write_baseline(tmp_path, "0001_a.json", entry(about=then))
    baseline = only_one(tmp_path)
    assert baseline.about == then
    assert baseline.differences(then) == []
    assert baseline.differences({**then, "torch": "2.14.1"}) == ["torch 2.13.0 -> 2.14.1"]
    now = {"torch": "2.14.1", "kernel": "6.8", "CPU": "Zen 4", "image digest": "abc"}
    assert baseline.differences(now) == ["kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1"]


def test_facts_decide_nothing(tmp_path: Path) -> None:
    """A baseline applies whatever its facts, and one that was stored without any."""
    write_baseline(tmp_path, "0001_a.json", entry(about={"kernel": "another"}))
    assert found_in(tmp_path) == "0001_a.json"
    stored = entry()[EXTRA]
    assert isinstance(stored, dict)
    del stored["about"]
    write_baseline(tmp_path, "0002_b.json", {EXTRA: stored})
    assert found_in(tmp_path) == "0002_b.json"
    assert only_one(tmp_path).differences({"kernel": "some"}) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"benchmarks": [{"extra_info": {"serving_perf": {"schema_ver', "\xff"],
    ids=["empty", "one byte", "cut off", "no UTF-8"],
)
def test_truncated_file_is_named(tmp_path: Path, text: str) -> None:
    """A file that was cut short is damaged, and never passed over in silence."""
    path = write_baseline(tmp_path, "0001_a.json", entry())
    path.write_bytes(text.encode("latin-1"))
    assert fault(tmp_path).startswith(f"baseline {path} is damaged (")


@pytest.mark.parametrize("text", ["[]", "{}", '"text"', '{"benchmarks": [{}]}', "null"])
def test_other_json_is_named(tmp_path: Path, text: str) -> None:
    """JSON that pytest-benchmark never wrote is damaged."""
    path = write_baseline(tmp_path, "0001_a.json")
    path.write_text(text, "utf-8")
    assert fault(tmp_path).startswith(f"baseline {path} is damaged (")


@pytest.mark.parametrize(
    ("extra", "version"),
    [
        ({EXTRA: {**dict(HARNESS[EXTRA]), "schema_version": 1}}, 1),
        ({EXTRA: {**dict(HARNESS[EXTRA]), "schema_version": 4}}, 4),
        ({EXTRA: {"schema_version": str(SCHEMA_VERSION)}}, str(SCHEMA_VERSION)),
        ({EXTRA: {}}, None),
        ({EXTRA: "text"}, None),
        ({"another": "suite"}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_other_schema_is_named(tmp_path: Path, extra: object, version: object) -> None:
    """A result of another schema, or of another suite, is refused with what to do."""
    path = write_baseline(tmp_path, "0001_a.json", entry(), extra)
    assert fault(tmp_path).startswith(
        f"baseline {path} is of schema {version}, this suite reads {SCHEMA_VERSION}: "
        "record it anew with --benchmark-save, or "
    )


def test_schema_1_is_to_be_recorded_anew(tmp_path: Path) -> None:
    """A whole file of the first schema, which had no yardstick, is refused in one line."""
    stored = {
        "schema_version": 1,
        "name": NAME,
        "identity": IDENTITY.model_dump(mode="json"),
        "pairs": [{"scenario_rps": 6.0, "reference_rps": 2.0, "launch": 0}] * 2,
        "seed": 7,
    }
    path = write_baseline(tmp_path, "0001_a.json", {EXTRA: stored})
    assert fault(tmp_path) == (
        f"baseline {path} is of schema 1, this suite reads {SCHEMA_VERSION}: record it "
        "anew with --benchmark-save, or name another folder with --benchmark-storage"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"pairs": [{"scenario_rps": 1.0, "reference_rps": 1.0}] * 2},
        {"pairs": [{"scenario_rps": 0.0, "reference_rps": 1.0, "launch": 0}] * 2},
        {"pairs": [{"scenario_rps": float("nan"), "reference_rps": 1, "launch": 0}] * 2},
        {"pairs": [{"scenario_rps": "fast", "reference_rps": 1.0, "launch": 0}] * 2},
        {"pairs": [{**PAIR, "launch": 0.5}] * 2},
        {"pairs": [{**PAIR, "yardstick_rps": 0.0}] * 2},
        {"pairs": [{**PAIR, "yardstick_rps": float("nan")}] * 2},
        {"pairs": [{**PAIR, "yardstick_rps": "fast"}] * 2},
        {"about": {"torch": 2}},
        {"about": "torch"},
        {"pairs": 12},
        {"pairs": None},
        {"identity": None},
        {"identity": {"machine_class": "some"}},
        {"identity": {**IDENTITY.model_dump(), "colour": "red"}},
        {"name": None},
    ],
    ids=lambda change: str(change)[:60],
)
def test_damaged_entry_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    """An entry of this schema that does not keep to it is damaged."""
    whole = entry()
    stored = whole[EXTRA]
    assert isinstance(stored, dict)
    path = write_baseline(tmp_path, "0001_a.json", {EXTRA: {**stored, **change}})
    assert fault(tmp_path).startswith(f"baseline {path} is damaged (")


def test_other_keys_may_join(tmp_path: Path) -> None:
    """A key that a later version adds to an entry takes nothing from it."""
    stored = entry()[EXTRA]
    assert isinstance(stored, dict)
    write_baseline(tmp_path, "0001_a.json", {EXTRA: {**stored, "mood": "good"}})
    assert found_in(tmp_path) == "0001_a.json"


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
def test_only_is_what_pytest_benchmark_compares_with(tmp_path: Path, only: str) -> None:
    """`--benchmark-compare=0001` restricts the gate to the very files that it loads."""
    names = ("0001_a.json", "0002_b.json", "0011_c.json")
    for name in names:
        write_baseline(tmp_path, name, entry())
    loaded = {path.name for path in FileStorage(tmp_path, None).query(only)}
    wanted = max(loaded, default=f"no baseline of {NAME} among {only} in {tmp_path}")
    assert found_in(tmp_path, only) == wanted


def test_only_may_be_a_file(tmp_path: Path) -> None:
    """A file that lies anywhere may be named by its path."""
    write_baseline(tmp_path / "baselines", "0002_b.json", entry())
    path = write_baseline(tmp_path / "elsewhere", "mine.json", entry())
    assert found_in(tmp_path / "baselines", str(path)) == "mine.json"


def test_only_spares_the_others(tmp_path: Path) -> None:
    """A damaged file that is not asked for stops nobody."""
    write_baseline(tmp_path, "0001_a.json", entry())
    write_baseline(tmp_path, "0002_b.json").write_text("{", "utf-8")
    assert found_in(tmp_path, "0001") == "0001_a.json"
    assert "0002_b.json is damaged" in fault(tmp_path)


def test_newest_file_for_a_run(tmp_path: Path) -> None:
    """The newest file with a baseline for any scenario of the run is found, or none."""
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
