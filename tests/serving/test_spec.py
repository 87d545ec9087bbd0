"""The settings of a server: their defaults, and which of them came later."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from serving.spec import AddedLater, ServerSettings, ServerSpec


def test_the_defaults_are_those_of_the_stored_baselines() -> None:
    """A row that names no setting means these: another default is another measurement."""
    assert ServerSettings().model_dump() == {
        "preprocess_threads": 1,
        "allocator": "retain",
        "batch_size": 1,
        "batch_delay_ms": 100,
        "queue_size": 100,
        "response_timeout_s": 200,
    }


def test_a_later_setting_carries_its_mark() -> None:
    """The mark can be read from the field, beside what pydantic keeps there."""
    marked = {
        name
        for name, field in ServerSettings.model_fields.items()
        if AddedLater() in field.metadata
    }
    assert marked == {"preprocess_threads"}


def test_a_spec_is_made_of_a_rows_settings() -> None:
    """A running server has the row's settings and its own."""
    settings = ServerSettings(batch_size=8)
    spec = ServerSpec(workers=2, threads_per_worker=1, **settings.model_dump())
    assert (spec.batch_size, spec.workers, spec.device) == (8, 2, "cpu")


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"batch_size": "8"}, {"batches": 8}])
def test_a_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    """A value that is too small, one of another type, and an unknown name are refused."""
    with pytest.raises(ValidationError):
        ServerSettings.model_validate(wrong)
