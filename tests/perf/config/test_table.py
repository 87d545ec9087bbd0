"""The committed table is as the method says, and a wrong table gives one line of error."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.config.table import REFERENCE_ROW, TABLE, Table
from serving.errors import ConfigError

ARTICLE_ROWS = {f"decentralized-{n}" for n in (1, 4, 8, 16, 50)}
ON_TWO_CORES = {REFERENCE_ROW, "serving-single", "serving-batch", "serving-workers-2"}
ON_EIGHT_CORES = ON_TWO_CORES | {"serving-workers-4", "serving-workers-8"}

SMALL = """\
[[scenario]]
name = "decentralized"
arm = "decentralized"
tolerance = 0.1

[[scenario]]
name = "serving-batch"
arm = "served"
workers = 2
batch_size = 8
tolerance = 0.1

[profile.standard]
model = "resnet152"
jobs = 16
block_images = 32
reference_images = 6
pairs = 12
launches = 2
"""


@pytest.fixture(scope="module")
def table() -> Table:
    """The committed table."""
    return Table.read()


def fault(folder: Path, text: str) -> str:
    """Return the error of a table with this text, without the path in front.

    Checks that the error is one short line that begins with the path.
    """
    path = folder / "scenarios.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        Table.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    assert len(message) < len(str(path)) + 200
    return message.removeprefix(f"{path}: ")


def test_committed_table_reads(table: Table) -> None:
    """The table has the rows of the experiment, and three profiles with their amounts."""
    assert {row.name for row in table.scenario} >= ON_EIGHT_CORES | ARTICLE_ROWS
    assert TABLE.is_file()
    assert set(table.profile) == {"standard", "smoke", "article"}
    article = table.profile["article"]
    assert (article.jobs, article.pairs * article.block_images) == (100, 1000)
    assert table.find("serving-batch").server.batch_size == 8
    assert table.find("serving-batch").server.batch_delay_ms == 100
    assert table.find(REFERENCE_ROW).jobs == "cores"


def test_profiles_have_a_pair_for_each_launch(table: Table) -> None:
    """No profile has more launches than pairs, and each has at least two pairs.

    A single pair shows no spread.
    """
    for profile in table.profile.values():
        assert 1 <= profile.launches <= profile.pairs
        assert profile.pairs >= 2


def test_rows_have_the_tolerances_of_the_method(table: Table) -> None:
    """Rows with recorded launches have a tolerance from those; all others have 9 %."""
    capacity = [row for row in table.scenario if row.seeks_capacity]
    assert {(row.tolerance, row.against_tolerance) for row in capacity} == {(0.2, 0.15)}
    others = [row for row in table.scenario if not row.seeks_capacity]
    tolerances = {row.name: row.tolerance for row in others}
    assert tolerances.pop("serving-single") == 0.15
    recorded = ("decentralized", "serving-batch", "serving-workers-2")
    assert [tolerances.pop(name) for name in recorded] == [0.05, 0.06, 0.04]
    assert set(tolerances.values()) == {0.09}


def test_standard_profile_shows_how_launches_differ(table: Table) -> None:
    """It has four launches of two pairs each; one launch would show no spread."""
    standard = table.profile["standard"]
    assert (standard.pairs, standard.launches) == (8, 4)
    assert standard.launches_before() == {0, 2, 4, 6}


def test_only_the_standard_profile_has_a_budget(table: Table) -> None:
    """It is of minutes for each scenario; the other profiles count launches."""
    budgets = {name: profile.budget_min for name, profile in table.profile.items()}
    assert budgets == {"standard": 6, "smoke": None, "article": None}


def test_small_table_reads(tmp_path: Path) -> None:
    """The table that the tests below damage is right without the damage."""
    path = tmp_path / "scenarios.toml"
    path.write_text(SMALL, "utf-8")
    assert [row.name for row in Table.read(path).scenario] == [
        REFERENCE_ROW,
        "serving-batch",
    ]


@pytest.mark.parametrize(
    ("profile", "cores", "rows"),
    [
        ("standard", 1, ON_TWO_CORES - {"serving-workers-2"}),
        ("standard", 2, ON_TWO_CORES),
        ("standard", 8, ON_EIGHT_CORES),
        ("smoke", 2, ON_TWO_CORES),
        ("smoke", 8, ON_EIGHT_CORES),
        ("article", 2, ON_EIGHT_CORES | ARTICLE_ROWS),
        ("article", 8, ON_EIGHT_CORES | ARTICLE_ROWS),
    ],
)
def test_rows_that_each_profile_measures(
    table: Table, profile: str, cores: int, rows: set[str]
) -> None:
    """Only the article's profile has more workers than cores, and the sweep of jobs."""
    known = [table.find(name) for name in sorted(ON_EIGHT_CORES | ARTICLE_ROWS)]
    assert {row.name for row in known if row.measured_in(profile, cores)} == rows


@pytest.mark.parametrize("name", ["standard", "smoke"])
def test_blocks_fill_every_batch(table: Table, name: str) -> None:
    """On two cores, every row's block is a whole number of batches for each worker."""
    block_images = table.profile[name].block_images
    for row in table.scenario:
        if row.workers is not None and row.measured_in(name, 2):
            assert block_images % (row.workers * row.server.batch_size) == 0, row.name


@pytest.mark.parametrize(
    ("line", "instead", "where"),
    [
        ("workers = 2", "workers = 2\ncolour = 'red'", "row serving-batch.colour: Extra"),
        (
            'arm = "decentralized"',
            'arm = "decentralized"\nengine = "openvino"',
            "row decentralized: a row without a server",
        ),
        ("workers = 2", "workers = 2\nserver = {}", "row serving-batch: server: write its"),
        ("workers = 2", "workers = 0", "row serving-batch.workers: "),
        ("workers = 2", "workers = -1", "row serving-batch.workers: "),
        ("workers = 2", "workers = 'two'", "row serving-batch.workers: "),
        ("workers = 2", "workers = '2'", "row serving-batch.workers: "),
        ("workers = 2", "workers = 1.5", "row serving-batch.workers: "),
        ("workers = 2", "workers = true", "row serving-batch.workers: "),
        ("workers = 2\n", "", "row serving-batch: a served row needs workers"),
        (
            'arm = "served"',
            'arm = "decentralized"',
            "row serving-batch: a served row needs",
        ),
        ('arm = "served"', 'arm = "central"', "row serving-batch.arm: "),
        ("batch_size = 8", "batch_size = 0", "row serving-batch.batch_size: "),
        ("batch_size = 8", "batch_delay_ms = -1", "row serving-batch.batch_delay_ms: "),
        ("batch_size = 8", "queue_size = 0", "row serving-batch.queue_size: "),
        (
            "batch_size = 8",
            "response_timeout_s = 0",
            "row serving-batch.response_timeout_s: ",
        ),
        (
            "batch_size = 8",
            "threads_per_worker = 0",
            "row serving-batch.threads_per_worker: ",
        ),
        ("batch_size = 8", "wire = 'text'", "row serving-batch.wire: "),
        (
            "batch_size = 8",
            "wire = 'tensor'",
            "row serving-batch: TorchServe's own handler",
        ),
        (
            'arm = "decentralized"',
            'arm = "decentralized"\nbackend = "litserve"\nwire = "tensor"',
            "row decentralized: wire: arm decentralized has no jobs",
        ),
        (
            "batch_size = 8",
            "preprocess_threads = 0",
            "row serving-batch.preprocess_threads: ",
        ),
        ("batch_size = 8", "allocator = 'keep'", "row serving-batch.allocator: "),
        ("batch_size = 8", "preprocess_threads = 2", "row serving-batch: TorchServe's own"),
        ("batch_size = 8", "jobs = 0", "row serving-batch.jobs"),
        ("batch_size = 8", "jobs = 'many'", "row serving-batch.jobs"),
        ("batch_size = 8", "profiles = 'standard'", "row serving-batch.profiles: "),
        ("batch_size = 8", "profiles = ['standrad']", "row serving-batch: profiles: "),
        ('"serving-batch"', '"Serving Batch"', "row Serving Batch.name: "),
        ('"serving-batch"', '"decentralized"', "two scenarios have the same name"),
        ('"decentralized"\narm', '"other"\narm', "there is no row decentralized"),
        ("tolerance = 0.1\n\n[[", "tolerance = 0\n\n[[", "row decentralized.tolerance: "),
        ("tolerance = 0.1\n\n[[", "tolerance = 1\n\n[[", "row decentralized.tolerance: "),
        ("tolerance = 0.1\n\n[[", "tolerance = nan\n\n[[", "row decentralized.tolerance: "),
        ("tolerance = 0.1\n\n[[", "\n[[", "row decentralized.tolerance: Field required"),
        ("[[scenario]]", "[[scenarios]]", "scenario"),
        ("pairs = 12", "pairs = 0", "profile.standard.pairs: "),
        ("jobs = 16", "jobs = 'cores'", "profile.standard.jobs: "),
        ("launches = 2", "", "profile.standard.launches: Field required"),
        ("launches = 2", "launches = 2\nbudget_min = 0", "profile.standard.budget_min: "),
        ("launches = 2", "launches = 2\nbudget_min = '9'", "profile.standard.budget_min"),
        ("launches = 2", "launches = 2\nrounds = 3", "profile.standard.rounds: Extra"),
        ("[profile.standard]", "[profile.standard", "not TOML ("),
    ],
)
def test_fault_is_one_line(tmp_path: Path, line: str, instead: str, where: str) -> None:
    """The error is one short line that names the file and the field."""
    assert line in SMALL
    assert fault(tmp_path, SMALL.replace(line, instead, 1)).startswith(where)


def test_empty_table_is_refused(tmp_path: Path) -> None:
    """A table without rows is an error."""
    assert fault(tmp_path, "") == "scenario: Field required"


def test_other_encoding_is_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 is reported as not TOML."""
    path = tmp_path / "scenarios.toml"
    path.write_bytes(SMALL.encode() + b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="not TOML") as caught:
        Table.read(path)
    assert len(str(caught.value).splitlines()) == 1


def test_wrong_value_is_shown(tmp_path: Path) -> None:
    """The error ends with the value that was found."""
    text = SMALL.replace("workers = 2", "workers = 0")
    assert fault(tmp_path, text).endswith("(got 0)")


def test_unknown_row_is_refused(table: Table) -> None:
    """The error for an unknown row names the option and the known rows."""
    with pytest.raises(ConfigError, match=r"^--perf-scenario nothing: .*serving-batch"):
        table.find("nothing")
