"""GitHub's API: its pages, its refusals, and answers that do not come."""

from __future__ import annotations

import gzip
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from perf.github import api as module
from perf.github.api import Api
from perf.github.errors import GitHubError
from tests.support.fake_github import TOKEN, FakeGitHub
from tests.support.github_state import REPOSITORY, Fault

Json = dict[str, Any]


class Numbered(BaseModel):
    """An issue, as far as a test needs it."""

    number: int


def issues(api: Api) -> list[Numbered]:
    """Return the open issues with the label."""
    return list(
        api.every("/issues", Numbered, state="open", labels="performance-regression")
    )


@pytest.fixture(autouse=True)
def _other_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner whose .netrc has a password for every host."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login someone password other\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))


def test_every_page_is_read(github: FakeGitHub) -> None:
    """The list goes on where the answer names a next page, with the token each time."""
    for _ in range(7):
        github.add_issue("x")
    github.page_size = 3
    assert [one.number for one in issues(github.api())] == [1, 2, 3, 4, 5, 6, 7]
    assert [one.query.get("page") for one in github.asked] == [None, "2", "3"]
    assert {one.token for one in github.asked} == {f"Bearer {TOKEN}"}


def test_pages_without_end_are_refused(github: FakeGitHub) -> None:
    """A list that goes on for ever ends with one line."""
    for _ in range(60):
        github.add_issue("x")
    github.page_size = 1
    with pytest.raises(GitHubError, match="/issues has more than 50 pages"):
        issues(github.api())


def test_all_pages_have_one_deadline(
    github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list whose every page comes late ends too, after four times the patience."""
    for _ in range(40):
        github.add_issue("x")
    github.page_size = 1
    seconds = count(step=10)  # at each look at the clock ten seconds have gone
    clock = SimpleNamespace(monotonic=lambda: next(seconds))
    monkeypatch.setattr(module, "time", clock)
    with pytest.raises(GitHubError, match=r"/issues: not all pages came within 120 s"):
        issues(github.api(patience_s=30.0))
    assert 1 < len(github.asked) < 12


def test_a_page_elsewhere_gets_no_token(github: FakeGitHub) -> None:
    """Whoever answers cannot send the token to another host."""
    headers = {"Link": '<http://127.0.0.2:9/next>; rel="next"'}
    github.faults.append(Fault("GET", "/issues", 200, [], headers))
    with pytest.raises(GitHubError, match=r"the next page lies at 127\.0\.0\.2:9, not at"):
        issues(github.api())


LIMITED = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1764201600"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("POST", "/issues", 401), "status 401, the token is not valid"),
        (
            Fault("POST", "/issues", 403, {"message": "Resource not accessible"}),
            (
                "status 403, the job's `permissions` do not allow it: GitHub says "
                '"Resource not accessible"'
            ),
        ),
        (
            Fault("POST", "/issues", 403, {"message": "API rate limit exceeded"}, LIMITED),
            (
                "status 403, the rate limit is used up until 00:00 UTC; run the job again "
                'later: GitHub says "API rate limit exceeded"'
            ),
        ),
        (
            Fault("POST", "/issues", 429, None, {"retry-after": "60"}),
            "status 429, the rate limit is used up for 60 s; run the job again later",
        ),
        (
            Fault("POST", "/issues", 429, None, {"x-ratelimit-remaining": "0"}),
            "status 429, the rate limit is used up for now; run the job again later",
        ),
        (
            Fault("POST", "/issues", 404, {"message": "Not Found"}),
            (
                "status 404, there is no such thing, or the token cannot see it: "
                'GitHub says "Not Found"'
            ),
        ),
        (
            Fault("POST", "/issues", 410, {"message": "Issues are disabled"}),
            (
                "status 410, this is switched off in the repository: GitHub says "
                '"Issues are disabled"'
            ),
        ),
        (
            Fault(
                "POST",
                "/issues",
                422,
                {
                    "message": "Validation\nFailed",
                    "errors": [{"resource": "Issue", "field": "title", "code": "missing"}],
                },
            ),
            (
                "status 422, GitHub does not accept it: GitHub says "
                '"Validation Failed (title, missing)"'
            ),
        ),
        (
            Fault("POST", "/issues", 502, b"<html>Bad Gateway</html>"),
            "status 502, GitHub has a fault; run the job again later",
        ),
        (Fault("POST", "/issues", 418, b""), "status 418"),
        (
            Fault("POST", "/issues", 301, None, {"location": "http://127.0.0.2:9/"}),
            "the repository was renamed or moved; use its new name",
        ),
        (Fault("POST", "/issues", 200, b"<html>"), "the answer is not JSON"),
        (
            Fault("POST", "/issues", 200, {"number": "x"}),
            (
                "the answer is not as documented (number: Input should be a valid integer, "
                "unable to parse string as an integer)"
            ),
        ),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Fault) else None,
)
def test_each_refusal_is_told_on_one_line(
    github: FakeGitHub, fault: Fault, said: str
) -> None:
    """The line has the request, the status, what to do, and what GitHub says."""
    github.faults.append(fault)
    with pytest.raises(GitHubError) as caught:
        github.api().send("POST", "/issues", Numbered, {"title": "x"})
    text = str(caught.value)
    assert text.startswith("GitHub: ")
    assert f"/repos/{REPOSITORY}/issues: " in text
    assert text.endswith(said)
    assert "\n" not in text
    assert TOKEN not in text
    assert len(github.asked) == 1


@pytest.mark.parametrize("how", [{"hangs": True}, {"drips": True}], ids=str)
def test_no_answer_ends_at_the_deadline(github: FakeGitHub, how: Any) -> None:  # noqa: ANN401 -- options of Fault
    """It does so too where the answer comes byte by byte."""
    github.faults.append(Fault("GET", "/issues", **how))
    with pytest.raises(GitHubError, match=r"GET /repos/.*: no answer within 0\.3 s"):
        issues(github.api(patience_s=0.3))


def test_a_compressed_answer_is_read(github: FakeGitHub) -> None:
    """GitHub compresses what it sends."""
    body = gzip.compress(b'[{"number": 7}]' + b" " * 100_000)
    headers = {"Content-Encoding": "gzip"}
    github.faults.append(Fault("GET", "/issues", 200, body, headers))
    assert [one.number for one in issues(github.api())] == [7]


def test_an_answer_that_is_cut_is_told(github: FakeGitHub) -> None:
    """Half of an answer is none."""
    headers = {"Content-Length": "5000"}
    github.faults.append(Fault("GET", "/issues", 200, b"[]", headers))
    with pytest.raises(GitHubError, match=r"GET .*: no whole answer \("):
        issues(github.api())


def test_nobody_there_is_told(github: FakeGitHub) -> None:
    """The line says that there was no answer."""
    port = github.server_port
    github.server_close()
    with pytest.raises(GitHubError, match=r"no whole answer \(ConnectionError\)"):
        Api(f"http://127.0.0.1:{port}", REPOSITORY, TOKEN).get("/issues", Json)


def test_an_answer_without_end_is_refused(github: FakeGitHub) -> None:
    """A file that is larger than allowed is not kept in memory."""
    github.add_artifact(1, "reports", b"x" * 100_000)
    with pytest.raises(GitHubError, match="the answer has more than 1000 bytes"):
        github.api().download("/actions/artifacts/1/zip", 1000)


def test_the_storage_gets_no_token(github: FakeGitHub) -> None:
    """GitHub sends a reader to its storage, another host; no password goes there."""
    github.add_artifact(1, "reports", b"content")
    assert github.api().download("/actions/artifacts/1/zip", 1000) == b"content"
    assert [one.token for one in github.asked] == [f"Bearer {TOKEN}", None]


def test_the_signature_of_a_file_is_not_told(github: FakeGitHub) -> None:
    """The address in the storage is as good as a password, so no message has it."""
    github.add_artifact(1, "reports", b"content")
    github.faults.append(Fault("GET", "/storage/1", 403))
    with pytest.raises(GitHubError) as caught:
        github.api().download("/actions/artifacts/1/zip", 1000)
    assert "secret" not in str(caught.value)
