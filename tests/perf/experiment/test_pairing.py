"""Pairs are measured in one exact order, and a bad job ends the measurement."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from perf.experiment import pairing
from perf.experiment.answers import JobsFailedError
from perf.experiment.arms import Workload
from perf.experiment.instruments import REFERENCE_ARM, SCENARIO_ARM, Instruments
from perf.experiment.pairing import Decided, Pairing
from perf.load.record import JobRecord
from perf.stats import Pair
from tests.support.fakes import (
    EXPECTED,
    IMAGE,
    PATIENCE_S,
    FakeArm,
    FakeWatch,
    fake_instruments,
    record,
)

ROOT = Path(__file__).parents[3]
REFERENCE_FIRST, REFERENCE_SECOND = 0.25, 0.75

_WARM_UP = ["scenario: 3 images", "reference: 2 images"]
_LAUNCH = ["scenario: relaunch", *_WARM_UP, "scenario: observed"]
_SCENARIO = [
    "yardstick",
    *("scenario: measure", "scenario: 8 images", "scenario: measured"),
    "yardstick",
]
_REFERENCE = ["reference: measure", "reference: 4 images", "reference: measured"]
_BLOCKS = {"scenario: 8 images", "reference: 4 images"}

# A benchmark as the suite runs its own, of two launches where one is enough.
_ENDED_EARLY = """
import contextlib
from perf.experiment.pairing import Decided
from tests.perf.experiment.test_pairing import REFERENCE_FIRST, Bench, Coin

def test_rounds(benchmark):
    bench = Bench(Coin(REFERENCE_FIRST), launches_before=(0, 3), enough=lambda _: True)
    pairing = bench.pairing
    with contextlib.suppress(Decided):
        benchmark.pedantic(
            pairing.block, setup=pairing.setup, teardown=pairing.teardown, rounds=64
        )
    assert len(pairing.pairs) == 3
    assert benchmark.has_error is False
"""


class Coin(random.Random):
    """Falls as it is told, over and over."""

    def __init__(self, *falls: float) -> None:
        super().__init__(0)
        self._falls = falls
        self._thrown = 0

    def random(self) -> float:
        """Return the next fall."""
        self._thrown += 1
        return self._falls[(self._thrown - 1) % len(self._falls)]


@dataclass
class Bench:
    """A pairing of two fake arms, and the diary of what was asked of them."""

    rng: random.Random
    launches_before: tuple[int, ...] = (0,)
    enough: Callable[[Sequence[Pair]], bool] = lambda _: False
    yardstick_rps: Sequence[float] = (10.0,)
    diary: list[str] = field(default_factory=list)
    told: list[JobRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put it together."""
        self.scenario = FakeArm("scenario", self.diary, block_images=8, image_s=0.25)
        self.reference = FakeArm("reference", self.diary, block_images=4, image_s=0.5)
        self.instruments: Instruments = fake_instruments(
            self.diary, yardstick_rps=self.yardstick_rps
        )
        self.pairing = Pairing(
            "serving-batch",
            self.scenario,
            self.reference,
            instruments=self.instruments,
            launches_before=self.launches_before,
            warm_up_images=3,
            rng=self.rng,
            enough=self.enough,
            on_record=self.told.append,
        )

    def run(self, rounds: int) -> Pairing:
        """Measure, in the order in which pytest-benchmark calls."""
        for _ in range(rounds):
            self.pairing.setup()
            self.pairing.block()
            self.pairing.teardown()
        return self.pairing


def orders(seed: str, rounds: int = 24) -> str:
    """Return for each pair which arm came first: s or r."""
    bench = Bench(random.Random(seed))  # noqa: S311 -- an order, no secret
    bench.run(rounds)
    blocks = [line for line in bench.diary if line in _BLOCKS]
    return "".join(first[0] for first in blocks[::2])


def test_exact_order() -> None:
    """A launch and both warm-ups first, then pairs, the reference where the coin says.

    The instruments are read right around the scenario's block, and each block is
    measured by its own arm's monitor.
    """
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND, REFERENCE_FIRST))
    bench.run(3)
    assert bench.diary == [
        *_LAUNCH,
        *(*_REFERENCE, *_SCENARIO),
        *(*_SCENARIO, *_REFERENCE),
        *(*_REFERENCE, *_SCENARIO),
    ]


def test_a_server_is_looked_at_once_more_before_it_goes() -> None:
    """Before each launch but the first the old server's settings are asked for again.

    Then the yardstick is launched anew as well.
    """
    bench = Bench(Coin(REFERENCE_SECOND), launches_before=(0, 1, 2))
    bench.run(3)
    pair = [*_SCENARIO, *_REFERENCE]
    again = ["scenario: observed", "yardstick: relaunch", *_LAUNCH]
    assert bench.diary == [*_LAUNCH, *pair, *again, *pair, *again, *pair]


def test_nothing_runs_before_the_first_round() -> None:
    """Putting a pairing together starts nothing."""
    assert Bench(Coin(REFERENCE_FIRST)).diary == []


def test_order_is_fixed_by_the_seed() -> None:
    """One seed is one order; other seeds have others."""
    assert orders("7 serving-batch") == orders("7 serving-batch")
    assert len({orders(f"{seed} serving-batch") for seed in range(20)}) > 1


@pytest.mark.parametrize("seed", ["7 serving-batch", "8 serving-batch", "7 serving-single"])
def test_both_orders_happen(seed: str) -> None:
    """Over two dozen pairs neither arm is always the first."""
    assert set(orders(seed)) == {"r", "s"}


@pytest.mark.parametrize(
    ("before", "launches"),
    [
        ((0, 3, 6), [0, 0, 0, 1, 1, 1, 2]),
        ((0, 2), [0, 0, 1, 1]),
        ((0, 1, 2), [0, 1, 2]),
        ((0,), [0] * 5),
    ],
)
def test_relaunch_where_it_is_due(before: tuple[int, ...], launches: list[int]) -> None:
    """A launch serves its pairs and no more; every one is warmed up, then looked at."""
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND), before)
    pairing = bench.run(len(launches))
    assert [pair.launch for pair in pairing.pairs] == launches
    for line in _LAUNCH[:-1]:
        assert bench.diary.count(line) == launches[-1] + 1
    begins = [n for n, line in enumerate(bench.diary) if line == _LAUNCH[0]]
    assert all(bench.diary[n : n + len(_LAUNCH)] == _LAUNCH for n in begins)
    assert pairing.observed == {"of": "scenario"}
    assert "reference: relaunch" not in bench.diary


def test_enough_is_asked_before_each_launch_but_the_first() -> None:
    """It sees the pairs so far; where they suffice, nothing more is asked of either arm."""
    asked: list[int] = []

    def enough(pairs: Sequence[Pair]) -> bool:
        asked.append(len(pairs))
        return len(pairs) >= 4

    bench = Bench(Coin(REFERENCE_FIRST), launches_before=(0, 2, 4, 6), enough=enough)
    pairing = bench.run(4)
    assert asked == [2]
    before = list(bench.diary)
    with pytest.raises(Decided):
        pairing.setup()
    pairing.teardown()
    assert asked == [2, 4]
    assert bench.diary == before
    assert [pair.launch for pair in pairing.pairs] == [0, 0, 1, 1]


def test_pytest_benchmark_ends_its_rounds_there(tmp_path: Path) -> None:
    """It takes the end for no failure, and reports the rounds so far."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "test_early.py").write_text(_ENDED_EARLY, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("test_early.py", "--benchmark-json=result.json"),
        ],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    (benchmark,) = result["benchmarks"]
    assert benchmark["stats"]["rounds"] == 3
    assert len(benchmark["stats"]["data"]) == 3


def test_the_end_is_no_exception_that_anybody_catches() -> None:
    """What handles every Exception, as pytest-benchmark does, lets it through."""
    assert not issubclass(Decided, Exception)


def test_pairs_hold_both_throughputs() -> None:
    """A pair is images a second of the scenario's block and of the reference's."""
    pairing = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND)).run(2)
    found = [(p.scenario_rps, p.reference_rps, p.launch) for p in pairing.pairs]
    assert found == [(4.0, 2.0, 0), (4.0, 2.0, 0)]
    assert [len(block.images) for block in pairing.blocks] == [8, 8]


def test_a_pairs_yardstick_is_the_geometric_mean_of_its_two_readings() -> None:
    """One reading lies right before the scenario's block and one right after."""
    bench = Bench(
        Coin(REFERENCE_FIRST, REFERENCE_SECOND), yardstick_rps=(2.0, 8.0, 9.0, 16.0)
    )
    found = [pair.yardstick_rps for pair in bench.run(3).pairs]
    assert found == pytest.approx([4.0, 12.0, 4.0])


def test_every_job_is_counted_and_measured_ones_are_told() -> None:
    """Warm-up, scenario and reference are counted; progress hears of measured jobs."""
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND), launches_before=(0, 2))
    pairing = bench.run(4)
    assert pairing.counts.total == 2 * (3 + 2) + 4 * (8 + 4)
    assert len(bench.told) == 4 * (8 + 4)


def test_teardown_is_idempotent() -> None:
    """A second teardown adds no pair, and one before any block does nothing."""
    bench = Bench(Coin(REFERENCE_SECOND))
    bench.pairing.teardown()
    assert bench.diary == []
    pairing = bench.run(1)
    before = list(bench.diary)
    pairing.teardown()
    assert len(pairing.pairs) == len(pairing.blocks) == 1
    assert bench.diary == before


def test_teardown_completes_a_round_without_one() -> None:
    """Set-up and block alone, as of a disabled benchmark, are a pair after teardown."""
    bench = Bench(Coin(REFERENCE_FIRST))
    bench.pairing.setup()
    bench.pairing.block()
    assert bench.pairing.pairs == []
    bench.pairing.teardown()
    assert len(bench.pairing.pairs) == 1


def test_the_server_should_be_idle_while_the_reference_runs() -> None:
    """The watch over a reference block, first or second, is told the server's roots."""
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND))
    bench.run(2)
    server = bench.scenario.server_pids()
    watch = cast("FakeWatch", bench.instruments.watch)
    assert watch.idle == [server, (), (), server]


def test_the_server_rests_but_in_its_launch_and_its_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is stopped for the reference and the yardstick, first or second."""
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND))

    @contextlib.contextmanager
    def at_rest(pids: Sequence[int]) -> Iterator[None]:
        assert pids == bench.scenario.server_pids()
        bench.diary.append("stop")
        yield
        bench.diary.append("go on")

    monkeypatch.setattr(pairing, "at_rest", at_rest)
    bench.run(2)
    first, block, second = _SCENARIO[:1], _SCENARIO[1:-1], _SCENARIO[-1:]
    assert bench.diary == [
        *_LAUNCH,
        *("stop", *_REFERENCE, *first, "go on", *block, "stop", *second, "go on"),
        *("stop", *first, "go on", *block, "stop", *second, *_REFERENCE, "go on"),
    ]


def test_conditions_are_kept_by_arm() -> None:
    """Every measured block of either arm leaves its conditions, and no warm-up does."""
    bench = Bench(Coin(REFERENCE_FIRST, REFERENCE_SECOND), launches_before=(0, 2))
    bench.run(3)
    kept = bench.instruments.conditions
    lengths_s = {arm: [block.duration_s for block in kept[arm]] for arm in kept}
    assert lengths_s == {REFERENCE_ARM: [1.0, 4.0, 5.0], SCENARIO_ARM: [2.0, 3.0, 6.0]}


_REFERENCE_ARM = "serving-batch, reference arm"
BAD = {
    "failed": (record(0, error="died: signal 9"), "1 failed and 0 ", "died: signal 9"),
    "wrong": (record(0, top=((1, 1.0),)), "0 failed and 1 ", "wrong answer: classes"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize(
    ("arm", "block", "coin", "who", "total"),
    [
        ("scenario", 0, REFERENCE_FIRST, "serving-batch, warming up", 3),
        ("reference", 0, REFERENCE_FIRST, f"{_REFERENCE_ARM} warming up", 3 + 2),
        ("scenario", 1, REFERENCE_FIRST, "serving-batch", 5 + 4 + 8),
        ("scenario", 2, REFERENCE_SECOND, "serving-batch", 5 + (8 + 4) + 8),
        ("reference", 1, REFERENCE_FIRST, _REFERENCE_ARM, 5 + 4),
        ("reference", 1, REFERENCE_SECOND, _REFERENCE_ARM, 5 + 8 + 4),
    ],
    ids=[
        *("warm-up", "reference's warm-up", "scenario", "second block"),
        *("reference first", "reference second"),
    ],
)
def test_bad_job_ends_the_measurement(  # noqa: PLR0913, PLR0917 -- a table of cases
    kind: str, arm: str, block: int, coin: float, who: str, total: int
) -> None:
    """One bad job of either arm, or of a warm-up, is an error with counts and its words."""
    bench = Bench(Coin(coin))
    bad, counts, words = BAD[kind]
    getattr(bench, arm).bad[block] = bad
    with pytest.raises(JobsFailedError) as caught:
        bench.run(5)
    message = str(caught.value)
    assert message.startswith(f"{who}: of {total} jobs {counts}answered wrongly; ")
    assert f"the first: {IMAGE}: {words}" in message
    # What came before stays, the pair with the bad job does not.
    assert len(bench.pairing.pairs) == (1 if block == 2 else 0)


@pytest.mark.parametrize(("arm", "asked"), [("scenario", 2), ("reference", 3)])
def test_bad_warm_up_measures_nothing(arm: str, asked: int) -> None:
    """After a bad warm-up of either arm neither is measured."""
    bench = Bench(Coin(REFERENCE_FIRST))
    getattr(bench, arm).bad[0] = record(0, error="died: signal 9")
    with pytest.raises(JobsFailedError):
        bench.run(1)
    assert bench.diary == _LAUNCH[:asked]


def test_workload_takes_images_in_turn() -> None:
    """Every job has the next image, across blocks; after the last comes the first."""
    workload = Workload(["a", "b", "c"], 4, slots=1, deadline_s=1.0, expected=EXPECTED)
    assert workload.take() == ("a", "b", "c", "a")
    assert workload.take(1) == ("b",)
    assert workload.take() == ("c", "a", "b", "c")
