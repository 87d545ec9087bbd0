"""What the tests of whole runs share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.suite import Suite, fresh_suite


@pytest.fixture
def suite() -> Iterator[Suite]:
    """A folder for runs; at the end nothing of them may be left."""
    with fresh_suite() as made:
        yield made
