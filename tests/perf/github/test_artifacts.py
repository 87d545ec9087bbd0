"""The artifacts of a run: the newest of each name, read without unpacking."""

from __future__ import annotations

import io
import zipfile

import pytest

from perf.github import artifacts as module
from perf.github.artifacts import Archive, artifacts, files
from perf.github.errors import DamagedError
from tests.support.fake_github import FakeGitHub
from tests.support.github_state import archive_of


def read(github: FakeGitHub, name: str = "summary.json") -> bytes:
    """Return a file of the artifact `reports` of run 1."""
    api = github.api()
    return files(api, artifacts(api, 1)["reports"]).read(name)


def test_a_file_is_read(github: FakeGitHub) -> None:
    """Only the one that is asked for."""
    github.add_artifact(1, "reports", archive_of({"summary.json": b"{}", "../up": b"x"}))
    assert read(github) == b"{}"


def test_the_newest_of_several_attempts_counts(github: FakeGitHub) -> None:
    """Artifacts of all attempts are listed, in any order and on several pages."""
    github.page_size = 1
    for content in (b"first", b"second"):
        github.add_artifact(1, "reports", archive_of({"summary.json": content}))
    github.artifacts[1].reverse()
    github.add_artifact(2, "reports", archive_of({"summary.json": b"another run"}))
    assert read(github) == b"second"


def test_an_expired_artifact_is_not_there(github: FakeGitHub) -> None:
    """Its files are gone."""
    github.add_artifact(1, "reports", b"", expired=True)
    assert artifacts(github.api(), 1) == {}


def test_a_missing_file_is_told(github: FakeGitHub) -> None:
    """The line names the artifact and the file."""
    github.add_artifact(1, "reports", archive_of({"other": b""}))
    with pytest.raises(DamagedError, match=r"'reports' has no file summary\.json"):
        read(github)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04cut"], ids=range(3))
def test_what_is_no_archive_is_refused(github: FakeGitHub, content: bytes) -> None:
    """A file that was cut, or is something else."""
    github.add_artifact(1, "reports", content)
    with pytest.raises(DamagedError, match="'reports' is no archive"):
        read(github)


@pytest.mark.parametrize("at", [0, 20], ids=["no compressed file", "another content"])
def test_a_damaged_file_is_refused(github: FakeGitHub, at: int) -> None:
    """It cannot be decompressed, or its checksum tells."""
    whole = archive_of({"summary.json": bytes(range(256)) * 9})
    place = whole.index(b"summary.json") + len("summary.json") + at
    github.add_artifact(1, "reports", whole[:place] + b"\xff" * 9 + whole[place + 9 :])
    with pytest.raises(DamagedError, match=r"summary\.json is damaged"):
        read(github)


def test_a_file_that_would_fill_the_memory_is_refused(
    github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small archive can hold a large file."""
    monkeypatch.setattr(module, "MOST_FILE_BYTES", 1000)
    github.add_artifact(1, "reports", archive_of({"summary.json": b"0" * 1_000_000}))
    with pytest.raises(DamagedError, match=r"summary\.json has more than 1000 bytes"):
        read(github)


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_that_expands_without_limit_is_not_opened(
    github: FakeGitHub, how: int
) -> None:
    """Of bzip2 and LZMA one small piece can fill the memory before it can be counted."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how) as archive:
        archive.writestr("summary.json", b"0" * 1_000_000)
    github.add_artifact(1, "reports", target.getvalue())
    said = rf"summary\.json is compressed in a way that is not read \(method {how}\)"
    with pytest.raises(DamagedError, match=said):
        read(github)


def test_a_file_that_is_only_stored_is_read(github: FakeGitHub) -> None:
    """An archive need not be compressed."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("summary.json", b"{}")
    github.add_artifact(1, "reports", target.getvalue())
    assert read(github) == b"{}"


def test_a_file_at_a_place_that_no_archive_has_is_refused() -> None:
    """The list of an archive may name a place that is too far for Python."""
    archive = zipfile.ZipFile(io.BytesIO(archive_of({"summary.json": b"{}"})))
    archive.infolist()[0].header_offset = 2**70
    with pytest.raises(DamagedError, match=r"summary\.json is damaged"):
        Archive("reports", archive).read("summary.json")


def test_a_large_archive_is_not_downloaded(github: FakeGitHub) -> None:
    """Its size is known before."""
    github.add_artifact(1, "reports", b"", size_in_bytes=10**9)
    with pytest.raises(DamagedError, match="has 1000000000 bytes, at most 50000000"):
        read(github)
    assert len(github.asked) == 1
