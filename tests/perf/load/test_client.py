"""What a client sends and reads, in each dialect."""

from __future__ import annotations

import pytest

from perf.load.jobs.client import ask
from tests.perf.load.answering import JSON_BYTES, answering


def test_kserve_has_the_image_as_its_one_tensor() -> None:
    """The body is the image's bytes alone; the answer is the text in the tensor."""
    text = b'{"285": 0.5, "3": 0.25}'
    head = b'{"outputs": []}'
    body = head + len(text).to_bytes(4, "little") + text
    with answering(200, body, len(head)) as (server, address):
        answer = ask(address._replace(dialect="kserve"), b"jpeg", "image/jpeg")
    assert answer == ((285, 0.5), (3, 0.25))
    assert [headers[JSON_BYTES] for headers in server.headers] == ["0"]
    assert server.bodies == [b"jpeg"]


def test_plain_has_no_header_of_kserve() -> None:
    """In the plain format the image is the body, and the answer is JSON."""
    with answering(200, b'{"285": 0.5}') as (server, address):
        assert ask(address, b"jpeg", "image/jpeg") == ((285, 0.5),)
    assert [headers[JSON_BYTES] for headers in server.headers] == [None]
    assert server.bodies == [b"jpeg"]


@pytest.mark.parametrize(
    ("answer", "json_bytes"),
    [
        (b'{"285": 0.5}', None),
        (b"{}", 2),
        (b"{}\x05\x00\x00\x00{}", 2),
        (b"{}\x01\x00\x00\x00{}", 2),
    ],
    ids=["no tensor", "an empty one", "a text cut short", "more than one"],
)
def test_another_answer_in_kserve_is_none(answer: bytes, json_bytes: int | None) -> None:
    """An answer without exactly one text in its place is a ValueError."""
    words = r"not an answer of KServe's protocol|Expecting value"
    with (
        answering(200, answer, json_bytes) as (_, address),
        pytest.raises(ValueError, match=words),
    ):
        ask(address._replace(dialect="kserve"), b"jpeg", "image/jpeg")
