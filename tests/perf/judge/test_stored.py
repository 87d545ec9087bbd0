"""The stored form of a result: what is read back, and what is refused as damaged."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from perf.judge.baselines import BaselineStore
from perf.judge.stored import EXTRA, SCHEMA_VERSION
from perf.stats import Block, Pair
from serving.errors import ConfigError
from tests.perf.judge.storage import HARNESS, NAME, fault, found_in, identity, only_one
from tests.support.fakes import IDENTITY, RECORDED, entry, pairs_of, write_baseline

PAIR = {"scenario": {"rps": 6.0}, "reference": {"rps": 2.0}, "launch": 0}
BLOCK = Block(rps=6.0, pace=1.25, cpu_ms=310.5, memory_bytes=1.5e9, p99_ms=812.0)


def test_identity_survives_the_file(tmp_path: Path) -> None:
    """Numbers, lists and null in an identity are equal when they are read back."""
    spec = {"workers": None, "batch_delay_ms": 100, "share": 0.1, "rows": ["a", "b"]}
    mine = identity(spec=spec)
    write_baseline(tmp_path, "0001_a.json", entry(identity=mine))
    assert BaselineStore(tmp_path).find(NAME, mine)[0] is not None


def test_a_pair_survives_the_file(tmp_path: Path) -> None:
    """All that was measured in both blocks is read back as it was stored."""
    pairs = (
        Pair(BLOCK, replace(BLOCK, rps=2.0), 0, yardstick_rps=7.25),
        Pair(replace(BLOCK, rps=7.0), Block(2.0), 1),
    )
    stored = [asdict(pair) for pair in pairs]
    write_baseline(tmp_path, "0001_a.json", entry(pairs=stored))
    assert only_one(tmp_path).sample.pairs == pairs


def runs_at(*begins: int) -> list[dict[str, object]]:
    """Return the stored form of runs that begin at these launches."""
    return [{"recorded": f"at {begin}", "first_launch": begin} for begin in begins]


def with_runs(*begins: int) -> dict[str, object]:
    """Return an entry with four launches, whose runs begin at these launches."""
    return entry(pairs=pairs_of(*[3.0] * 8, launches=4), runs=runs_at(*begins))


def test_each_run_has_its_own_launches(tmp_path: Path) -> None:
    """A run ends where the next begins; without `runs`, all pairs are one run."""
    write_baseline(tmp_path, "0001_a.json", with_runs(0, 1))
    runs = only_one(tmp_path).runs
    assert [run.recorded for run in runs] == ["at 0", "at 1"]
    assert [set(run.sample.launches.tolist()) for run in runs] == [{0}, {1, 2, 3}]
    write_baseline(tmp_path, "0001_a.json", with_runs())
    assert [run.recorded for run in only_one(tmp_path).runs] == [RECORDED]
    assert len(only_one(tmp_path).sample) == 8


@pytest.mark.parametrize("begins", [(1,), (0, 0), (0, 2, 1)])
def test_runs_must_begin_in_order(tmp_path: Path, begins: tuple[int, ...]) -> None:
    """Otherwise a pair would belong to no run, or to two."""
    write_baseline(tmp_path, "0001_a.json", with_runs(*begins))
    with pytest.raises(ConfigError, match="runs begin at launches"):
        BaselineStore(tmp_path)


@pytest.mark.parametrize("stored", [PAIR, {**PAIR, "yardstick_rps": None}])
def test_a_pair_may_have_no_yardstick(tmp_path: Path, stored: dict[str, object]) -> None:
    """If the yardstick is missing or null, it is None."""
    write_baseline(tmp_path, "0001_a.json", entry(pairs=[stored] * 2))
    assert only_one(tmp_path).sample.pairs == (Pair(Block(6.0), Block(2.0), 0),) * 2


@pytest.mark.parametrize("what", ["pace", "cpu_ms", "memory_bytes", "p99_ms"])
def test_a_block_may_lack_what_was_not_measured(tmp_path: Path, what: str) -> None:
    """If a value is missing or null, it is None, and the others are read."""
    lacking = asdict(BLOCK)
    del lacking[what]
    stored = [{**PAIR, "scenario": one} for one in (lacking, {**lacking, what: None})]
    write_baseline(tmp_path, "0001_a.json", entry(pairs=stored))
    unread: dict[str, Any] = {what: None}
    expected = replace(BLOCK, **unread)
    assert [pair.scenario for pair in only_one(tmp_path).sample.pairs] == [expected] * 2


def test_unknown_keys_are_ignored(tmp_path: Path) -> None:
    """An entry with a key that a later version adds can still be read."""
    stored = entry()[EXTRA]
    assert isinstance(stored, dict)
    write_baseline(tmp_path, "0001_a.json", {EXTRA: {**stored, "mood": "good"}})
    assert found_in(tmp_path) == "0001_a.json"


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"benchmarks": [{"extra_info": {"serving_perf": {"schema_ver', "\xff"],
    ids=["empty", "one byte", "cut off", "no UTF-8"],
)
def test_a_truncated_file_is_damaged(tmp_path: Path, text: str) -> None:
    """A file that is cut off is an error that names it."""
    path = write_baseline(tmp_path, "0001_a.json", entry())
    path.write_bytes(text.encode("latin-1"))
    assert fault(tmp_path).startswith(f"baseline {path} is damaged (")


@pytest.mark.parametrize("text", ["[]", "{}", '"text"', '{"benchmarks": [{}]}', "null"])
def test_other_json_is_damaged(tmp_path: Path, text: str) -> None:
    """JSON that pytest-benchmark did not write is an error that names the file."""
    path = write_baseline(tmp_path, "0001_a.json")
    path.write_text(text, "utf-8")
    assert fault(tmp_path).startswith(f"baseline {path} is damaged (")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": 5, "pairs": None}, "name: Input should be a valid string"),
        (
            {"pairs": [PAIR, {**PAIR, "scenario": {"rps": "fast"}}]},
            (
                "pairs.1.scenario.rps: Input should be a valid number, unable to parse "
                "string as a number"
            ),
        ),
        (
            {"identity": {**IDENTITY.model_dump(), "colour": "red"}},
            "identity.colour: Extra inputs are not permitted",
        ),
    ],
)
def test_the_first_fault_of_a_damaged_file_is_told(
    tmp_path: Path, change: dict[str, object], why: str
) -> None:
    """One line names the file, the key and what is wrong with it, and what to do."""
    stored = entry()[EXTRA]
    assert isinstance(stored, dict)
    path = write_baseline(tmp_path, "0001_a.json", {EXTRA: {**stored, **change}})
    assert fault(tmp_path) == (
        f"baseline {path} is damaged ({why}): restore it, or name another folder with "
        "--benchmark-storage"
    )


def test_an_older_file_with_an_odd_name_stops_nothing(tmp_path: Path) -> None:
    """A file without pace applies to nothing, whatever its results are called."""
    write_baseline(tmp_path, "0001_a.json", {EXTRA: {"schema_version": 3, "name": []}})
    assert BaselineStore(tmp_path).all() == ()


@pytest.mark.parametrize(
    ("extra", "version"),
    [
        ({EXTRA: {**dict(HARNESS[EXTRA]), "schema_version": 1}}, 1),
        ({EXTRA: {**dict(HARNESS[EXTRA]), "schema_version": 2}}, 2),
        ({EXTRA: {**dict(HARNESS[EXTRA]), "schema_version": 5}}, 5),
        ({EXTRA: {"schema_version": str(SCHEMA_VERSION)}}, str(SCHEMA_VERSION)),
        ({EXTRA: {}}, None),
        ({EXTRA: "text"}, None),
        ({"another": "suite"}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_another_schema_is_refused(tmp_path: Path, extra: object, version: object) -> None:
    """A result with another schema, or of another suite, is an error with a remedy."""
    path = write_baseline(tmp_path, "0001_a.json", entry(), extra)
    assert fault(tmp_path).startswith(
        f"baseline {path} has schema {version}, but this suite reads schema "
        f"{SCHEMA_VERSION}: record it again with --benchmark-save, or "
    )


def test_schema_1_must_be_recorded_again(tmp_path: Path) -> None:
    """A complete file of the first schema, which had no yardstick, is refused."""
    stored = {
        "schema_version": 1,
        "name": NAME,
        "identity": IDENTITY.model_dump(mode="json"),
        "pairs": [{"scenario_rps": 6.0, "reference_rps": 2.0, "launch": 0}] * 2,
        "seed": 7,
    }
    path = write_baseline(tmp_path, "0001_a.json", {EXTRA: stored})
    assert fault(tmp_path) == (
        f"baseline {path} has schema 1, but this suite reads schema {SCHEMA_VERSION}: "
        "record it again with --benchmark-save, or name another folder with "
        "--benchmark-storage"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"pairs": [{"scenario": {"rps": 1.0}, "reference": {"rps": 1.0}}] * 2},
        {"pairs": [{"scenario": {"rps": 1.0}, "launch": 0}] * 2},
        {"pairs": [{"scenario_rps": 6.0, "reference_rps": 2.0, "launch": 0}] * 2},
        {"pairs": [{**PAIR, "scenario": 6.0}] * 2},
        {"pairs": [{**PAIR, "scenario": {"pace": 1.0}}] * 2},
        {"pairs": [{**PAIR, "scenario": {"rps": 0.0}}] * 2},
        {"pairs": [{**PAIR, "scenario": {"rps": float("nan")}}] * 2},
        {"pairs": [{**PAIR, "scenario": {"rps": "fast"}}] * 2},
        {"pairs": [{**PAIR, "reference": {"rps": 2.0, "pace": 0.0}}] * 2},
        {"pairs": [{**PAIR, "reference": {"rps": 2.0, "memory_bytes": "much"}}] * 2},
        {"pairs": [{**PAIR, "reference": {"rps": 2.0, "p99_ms": float("inf")}}] * 2},
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
def test_a_damaged_entry_is_an_error(tmp_path: Path, change: dict[str, object]) -> None:
    """An entry that violates the schema is an error that names the file."""
    whole = entry()
    stored = whole[EXTRA]
    assert isinstance(stored, dict)
    path = write_baseline(tmp_path, "0001_a.json", {EXTRA: {**stored, **change}})
    assert fault(tmp_path).startswith(f"baseline {path} is damaged (")
