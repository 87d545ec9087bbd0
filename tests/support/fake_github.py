"""A fake of GitHub's REST API on the loopback address."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from perf.github.api import Api
from tests.support.github_state import REPOSITORY, Asked, Fault, GitHubState

TOKEN = "a-token"  # noqa: S105 -- the fake's own
_PREFIX = f"/repos/{REPOSITORY}"
_DRIPS = 200


class FakeGitHub(GitHubState, ThreadingHTTPServer):
    """The server."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port."""
        GitHubState.__init__(self)
        ThreadingHTTPServer.__init__(self, ("127.0.0.1", 0), _Handler)
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.server_port}"

    def api(self, patience_s: float = 30.0) -> Api:
        """Return a client of this server."""
        return Api(self.url, REPOSITORY, TOKEN, patience_s=patience_s)


class _Handler(BaseHTTPRequestHandler):
    server: FakeGitHub

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, method: str) -> None:
        split = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        asked = Asked(
            method,
            split.path.removeprefix(_PREFIX),
            {key: values[0] for key, values in parse_qs(split.query).items()},
            self.headers.get("Authorization"),
            json.loads(text) if text else None,
        )
        self.server.asked.append(asked)
        for fault in self.server.faults:
            if fault.method == method and re.fullmatch(fault.path, asked.path):
                self._fail(fault)
                return
        for verb, pattern, reply in _ROUTES:
            found = re.fullmatch(pattern, asked.path)
            if verb == method and found:
                reply(self, asked, *found.groups())
                return
        self.say(404, {"message": "Not Found"})

    def _fail(self, fault: Fault) -> None:
        if fault.hangs:
            self.server.ended.wait()
            return
        if fault.drips:
            self.send_response(200)
            self.send_header("Content-Length", str(_DRIPS))
            self.end_headers()
            for _ in range(_DRIPS):
                if self.server.ended.wait(0.02):
                    return
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return  # the client has enough
            return
        self.say(fault.status, fault.body, fault.headers)

    def say(self, status: int, body: object, headers: Mapping[str, str] = {}) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def say_page(self, asked: Asked, items: list[Any], key: str = "") -> None:
        """Answer one page, and name the next one as GitHub does."""
        size = min(int(asked.query["per_page"]), self.server.page_size)
        page = int(asked.query.get("page", 1))
        part, rest = items[(page - 1) * size : page * size], items[page * size :]
        headers = {}
        if rest:
            more = "&".join(f"{k}={v}" for k, v in asked.query.items() if k != "page")
            link = f"{self.server.url}{_PREFIX}{asked.path}?{more}&page={page + 1}"
            headers["Link"] = f'<{link}>; rel="next"'
        self.say(200, {"total_count": len(items), key: part} if key else part, headers)


def _list_pulls(handler: _Handler, asked: Asked) -> None:
    owner, _, branch = asked.query["head"].partition(":")
    found = [
        one
        for one in handler.server.pulls
        if one["head"]["ref"] == branch and one["head"]["user"]["login"] == owner
    ]
    handler.say_page(asked, found)


def _list_artifacts(handler: _Handler, asked: Asked, run: str) -> None:
    handler.say_page(asked, handler.server.artifacts.get(int(run), []), key="artifacts")


def _redirect_to_storage(handler: _Handler, _: Asked, number: str) -> None:
    storage = f"{handler.server.url}/storage/{number}?signature=secret"
    handler.say(302, {}, {"Location": storage})


def _give_archive(handler: _Handler, _: Asked, number: str) -> None:
    handler.say(200, handler.server.archives[number])


def _list_comments(handler: _Handler, asked: Asked, issue: str) -> None:
    found = [one for one in handler.server.comments if one["issue"] == int(issue)]
    handler.say_page(asked, found)


def _add_comment(handler: _Handler, asked: Asked, issue: str) -> None:
    handler.say(201, handler.server.add_comment(int(issue), asked.body["body"]))


def _edit_comment(handler: _Handler, asked: Asked, number: str) -> None:
    (one,) = [one for one in handler.server.comments if one["id"] == int(number)]
    one.update(asked.body)
    handler.say(200, one)


def _list_issues(handler: _Handler, asked: Asked) -> None:
    wanted = asked.query["labels"]
    found = [
        one
        for one in handler.server.issues
        if one["state"] == asked.query["state"] and wanted in one["labels"]
    ]
    handler.say_page(asked, found)


def _add_issue(handler: _Handler, asked: Asked) -> None:
    handler.say(201, handler.server.add_issue(**asked.body))


def _edit_issue(handler: _Handler, asked: Asked, number: str) -> None:
    (one,) = [one for one in handler.server.issues if one["number"] == int(number)]
    one.update(asked.body)
    handler.say(200, one)


def _add_ref(handler: _Handler, asked: Asked) -> None:
    if asked.body["ref"] in handler.server.refs:
        handler.say(422, {"message": "Reference already exists"})
        return
    handler.server.refs[asked.body["ref"]] = asked.body["sha"]
    handler.say(201, {"ref": asked.body["ref"]})


def _add_file(handler: _Handler, asked: Asked, path: str) -> None:
    assert f"refs/heads/{asked.body['branch']}" in handler.server.refs
    handler.server.files[path] = base64.b64decode(asked.body["content"], validate=True)
    handler.say(201, {"content": {"path": path}})


def _add_pull(handler: _Handler, asked: Asked) -> None:
    page = f"https://github.example/{REPOSITORY}/pull/1"
    handler.server.pulls.append(asked.body)
    handler.say(201, {"html_url": page})


_ROUTES: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("GET", "/pulls", _list_pulls),
    ("POST", "/pulls", _add_pull),
    ("GET", r"/actions/runs/(\d+)/artifacts", _list_artifacts),
    ("GET", r"/actions/artifacts/(\d+)/zip", _redirect_to_storage),
    ("GET", r"/storage/(\d+)", _give_archive),
    ("GET", r"/issues/(\d+)/comments", _list_comments),
    ("POST", r"/issues/(\d+)/comments", _add_comment),
    ("PATCH", r"/issues/comments/(\d+)", _edit_comment),
    ("GET", "/issues", _list_issues),
    ("POST", "/issues", _add_issue),
    ("PATCH", r"/issues/(\d+)", _edit_issue),
    ("POST", "/git/refs", _add_ref),
    ("PUT", "/contents/(.+)", _add_file),
)


@contextmanager
def fake_github() -> Iterator[FakeGitHub]:
    """Yield a server that answers until the end of the block."""
    with FakeGitHub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
