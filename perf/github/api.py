"""GitHub's REST API for one repository: no request waits for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import TypeAdapter, ValidationError
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, ReadTimeoutError

from perf.github.errors import GitHubError, refusal

T = TypeVar("T")

_MOST_PAGES = 50
_PER_PAGE = 100
_LIST_PATIENCE = 4  # times the patience of a request, for all pages of a list
_MOST_BYTES = 20_000_000  # of an answer that is JSON
_CHUNK_BYTES = 65536
_HEADERS = {
    "Accept": "application/vnd.github+json",
    "User-Agent": "serving-perf",
    "X-GitHub-Api-Version": "2022-11-28",
}
_REDIRECTIONS = (301, 302, 303, 307, 308)


class _Bearer(AuthBase):
    """Sends the token, whatever a .netrc file of the runner says."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Api:
    """The API. Paths are relative to the repository. All methods raise GitHubError."""

    def __init__(
        self, url: str, repository: str, token: str, *, patience_s: float = 30.0
    ) -> None:
        """Talk to the API at `url`; `repository` is OWNER/NAME.

        A request ends after `patience_s` seconds of silence. It ends too where the answer
        still goes on that long after the start; only the head of an answer may come as
        slowly as the job has time. A list gets no further page after four times as long.
        """
        self._base = f"{url.rstrip('/')}/repos/{repository}"
        self._auth = _Bearer(token)
        self._patience_s = patience_s

    def get(self, path: str, kind: type[T], **query: str | int) -> T:
        """Return what `path` has, as a `kind`."""
        return self.send("GET", path, kind, query=query)

    def every(self, path: str, kind: type[T], key: str = "", **query: str) -> Iterator[T]:
        """Yield all items of a list, page by page.

        `key` is where the list lies, if the answer is an object.
        """
        page = f"{self._base}{path}"
        params: Mapping[str, str | int] | None = {**query, "per_page": _PER_PAGE}
        patience_s = _LIST_PATIENCE * self._patience_s
        limit_s = time.monotonic() + patience_s
        for _ in range(_MOST_PAGES):
            if time.monotonic() > limit_s:
                raise GitHubError(
                    f"GitHub: {path}: not all pages came within {patience_s:g} s"
                )
            answer, content = self._ask("GET", page, params=params)
            body = _parsed(content, page)
            if key:
                body = body.get(key) if isinstance(body, dict) else None
            yield from _as(list[kind], body, page)  # type: ignore[valid-type]  # -- mypy takes no type from a variable
            following = answer.links.get("next", {}).get("url", "")
            if not following:
                return
            page, params = self._own(following), None
        raise GitHubError(f"GitHub: {path} has more than {_MOST_PAGES} pages")

    def send(
        self,
        method: str,
        path: str,
        kind: type[T],
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> T:
        """Send `body` as JSON, and return the answer as a `kind`."""
        url = f"{self._base}{path}"
        _, content = self._ask(method, url, params=query, json=body)
        return _as(kind, _parsed(content, url), url)

    def download(self, path: str, most_bytes: int) -> bytes:
        """Return a file. GitHub gives its address in its storage, which gets no token."""
        answer, content = self._ask(
            "GET", f"{self._base}{path}", most_bytes=most_bytes, may_redirect=True
        )
        if answer.status_code in _REDIRECTIONS:
            storage = answer.headers.get("location", "")
            _, content = self._ask("GET", storage, most_bytes=most_bytes, with_token=False)
        return content

    def _ask(
        self,
        method: str,
        url: str,
        *,
        most_bytes: int = _MOST_BYTES,
        with_token: bool = True,
        may_redirect: bool = False,
        **options: Any,  # noqa: ANN401 -- passed on to requests unchanged
    ) -> tuple[requests.Response, bytes]:
        """Return the answer and its body; raise where it is no success."""
        what = f"GitHub: {method} {urlsplit(url).path}"  # the query may hold a signature
        limit_s = time.monotonic() + self._patience_s
        try:
            with requests.request(
                method,
                url,
                auth=self._auth if with_token else _no_auth,
                headers=_HEADERS if with_token else {},
                timeout=self._patience_s,
                allow_redirects=False,
                stream=True,
                **options,
            ) as answer:
                content = self._body(answer, limit_s, most_bytes, what)
        except (requests.Timeout, ReadTimeoutError):
            raise self._late(what) from None
        except (requests.RequestException, HTTPError) as fault:
            raise GitHubError(f"{what}: no whole answer ({type(fault).__name__})") from None
        if answer.status_code in _REDIRECTIONS:
            if not may_redirect:
                raise GitHubError(
                    f"{what}: the repository was renamed or moved; use its new name"
                )
        elif not answer.ok:
            said = refusal(answer.status_code, answer.headers, _json_or_none(content))
            raise GitHubError(f"{what}: {said}")
        return answer, content

    def _body(
        self, answer: requests.Response, limit_s: float, most_bytes: int, what: str
    ) -> bytes:
        """Return the body, which may come in small pieces, but not for ever."""
        content = b""
        while piece := answer.raw.read1(_CHUNK_BYTES, decode_content=True):
            content += piece
            if len(content) > most_bytes:
                raise GitHubError(f"{what}: the answer has more than {most_bytes} bytes")
            if time.monotonic() > limit_s:
                raise self._late(what)
        return content

    def _late(self, what: str) -> GitHubError:
        return GitHubError(f"{what}: no answer within {self._patience_s:g} s")

    def _own(self, url: str) -> str:
        """Return the address of a page; raise where it is not at the API, for the token."""
        ours, theirs = urlsplit(self._base), urlsplit(url)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise GitHubError(
                f"GitHub: the next page lies at {theirs.netloc}, not at GitHub"
            )
        return url


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send no token, and nothing that a .netrc file of the runner has."""
    return request


def _json_or_none(content: bytes) -> object:
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found


def _parsed(content: bytes, url: str) -> Any:  # noqa: ANN401 -- JSON
    if not content:
        return None  # the answer to a DELETE
    found = _json_or_none(content)
    if found is None:
        raise GitHubError(f"GitHub: {urlsplit(url).path}: the answer is not JSON")
    return found


def _as(kind: type[T], body: object, url: str) -> T:
    """Return the JSON as a `kind`; raise where it lacks what is needed."""
    try:
        return TypeAdapter(kind).validate_python(body)
    except ValidationError as fault:
        place = ".".join(map(str, fault.errors()[0]["loc"]))
        raise GitHubError(
            f"GitHub: {urlsplit(url).path}: the answer is not as documented "
            f"({place or 'all of it'}: {fault.errors()[0]['msg']})"
        ) from None
