"""A row of the table: its defaults, its server's settings, and rows made from it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from perf.config.arm_kinds import ARM_KINDS
from perf.config.scenario import Scenario
from perf.config.table import Table
from serving.engines import DEFAULT
from serving.spec import ServerSettings

ROWS = Table.read().scenario


def served(engine: str = DEFAULT, **settings: int | str) -> Scenario:
    """Return a row that has a server."""
    row = {"name": "some-row", "arm": "served", "tolerance": 0.1, "engine": engine}
    return Scenario.model_validate({**row, **settings})


def test_row_has_the_documented_defaults() -> None:
    """A setting that the row does not name has the default of the table's head comment."""
    row = served(workers=1)
    assert (row.jobs, row.server.batch_size, row.backend) == ("profile", 1, "torchserve")


@pytest.mark.parametrize(
    ("cores", "workers", "threads"),
    [
        (2, 1, 2),
        (2, 2, 1),
        (2, 4, 1),
        (2, 8, 1),
        (8, 1, 8),
        (8, 4, 2),
        (8, 3, 2),
        (1, 1, 1),
    ],
)
def test_workers_share_the_cores(cores: int, workers: int, threads: int) -> None:
    """Each worker has cores divided by workers threads, and at least one."""
    row = served(workers=workers)
    assert row.server_spec(cores, 180).threads_per_worker == threads


def test_server_gets_every_setting_of_the_row() -> None:
    """All settings of a row are in its ServerSpec, also a given number of threads."""
    settings: dict[str, int | str] = {
        "workers": 3,
        "threads_per_worker": 5,
        "preprocess_threads": 2,
        "allocator": "default",
        "batch_size": 4,
        "batch_delay_ms": 0,
        "queue_size": 7,
        "response_timeout_s": 11,
    }
    spec = served(engine="onnxruntime", **settings).server_spec(2, 13)
    assert spec.model_dump() == {**settings, "startup_timeout_s": 13, "device": "cpu"}


def test_warm_up_reaches_every_worker() -> None:
    """A warm-up is a whole number of batches for each worker, at least one.

    Without a server, it has one image for each core.
    """
    for row in ROWS:
        images = row.warm_up_images(2)
        if row.workers is None:
            assert images == 2, row.name
        else:
            assert images >= row.workers * row.server.batch_size, row.name
            assert images % (row.workers * row.server.batch_size) == 0, row.name


def test_flat_row_is_a_row_of_the_table() -> None:
    """A row that is read from its own `flat` equals it."""
    for row in ROWS:
        assert Scenario.model_validate(row.flat()) == row, row.name


def test_flat_row_has_every_setting() -> None:
    """`flat` has all fields of the row and of its server, but no field `server`."""
    fields = {*Scenario.model_fields, *ServerSettings.model_fields} - {"server"}
    for row in ROWS:
        assert set(row.flat()) == fields, row.name


def test_flat_row_has_given_values_and_defaults() -> None:
    """A given setting keeps its value; one that is not given has its default."""
    flat = served(workers=2, batch_size=8).flat()
    assert (flat["workers"], flat["batch_size"]) == (2, 8)
    assert (flat["queue_size"], flat["wire"]) == (100, "jpeg")


def test_changed_keeps_everything_else() -> None:
    """Only the named settings change, in the row itself and in its server."""
    changes = {"tolerance": 0.5, "response_timeout_s": 7}
    for row in ROWS:
        assert row.changed(changes).flat() == {**row.flat(), **changes}, row.name


def test_changed_without_changes_is_the_same_row() -> None:
    """Without changes, the new row equals the old one."""
    for row in ROWS:
        assert row.changed({}) == row, row.name


def test_changed_leaves_the_old_row_alone() -> None:
    """The row that is changed keeps its values; the new one is another object."""
    row = served(workers=1, batch_size=8)
    assert row.changed({"workers": 2, "batch_size": 4}).server.batch_size == 4
    assert (row.workers, row.server.batch_size) == (1, 8)


@pytest.mark.parametrize(
    "changes", [{"workers": 0}, {"batch_size": "many"}, {"colour": "red"}, {"server": {}}]
)
def test_changed_is_checked_like_the_table(changes: dict[str, object]) -> None:
    """A wrong value, an unknown setting and `server` are refused."""
    with pytest.raises(ValidationError):
        served(workers=1).changed(changes)


@pytest.mark.parametrize("settings", [{}, {"batch_size": 8}])
def test_server_cannot_be_written_in_the_table(settings: dict[str, int]) -> None:
    """A row with `server` is refused; its settings stand in the row itself."""
    row = {"name": "some-row", "arm": "served", "tolerance": 0.1, "workers": 1}
    with pytest.raises(ValidationError, match="write its settings in the row itself"):
        Scenario.model_validate({**row, "server": settings})


def test_unknown_arm_lists_the_known_ones() -> None:
    """The message for an unknown kind of arm names every known kind."""
    row = {"name": "some-row", "arm": "central", "tolerance": 0.1}
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(row)
    (fault,) = caught.value.errors()
    assert fault["loc"] == ("arm",)
    assert fault["msg"].endswith(f"known: {', '.join(ARM_KINDS)}")
