"""The fake of GitHub that the tests of this folder talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fake_github import FakeGitHub, fake_github


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    """A fake of GitHub with an empty repository."""
    with fake_github() as server:
        yield server
