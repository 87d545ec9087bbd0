"""Keeps Ray Serve to loopback, so that no other machine reaches its ports.

A replica opens a gRPC port on every address, and HAProxy opens two for its statistics. No
setting of Ray changes that. So both are patched here, and a version of Ray that cannot be
patched is refused.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

_LOOPBACK = "127.0.0.1"
_GRPC = "grpc.aio._server"
_TEMPLATES, _TEMPLATE = "ray.serve._private.haproxy_templates", "HAPROXY_CONFIG_TEMPLATE"
_TEMPLATE_READER = "ray.serve._private.haproxy"
_METHOD = "add_insecure_port"
_REFUSAL = "this version of Ray Serve cannot be kept to loopback"
_BIND_EVERYWHERE = re.compile(r"^(\s*bind\s+)\*?:", re.MULTILINE)
# An address that starts with {{ is a setting of ours.
_BIND_ELSEWHERE = re.compile(r"^\s*bind\s+(?!127\.0\.0\.1:|\{\{).*", re.MULTILINE)


class NotOnLoopbackError(Exception):
    """This version of Ray cannot be kept to loopback."""


def patch() -> None:
    """Keep this process to loopback. Every process of Ray calls it once, as it starts.

    Raises NotOnLoopbackError.
    """
    if _TEMPLATE_READER in sys.modules:
        raise NotOnLoopbackError(
            f"{_REFUSAL}: {_TEMPLATE_READER} was imported before its template was changed"
        )
    patch_grpc(getattr(importlib.import_module(_GRPC), "Server", None))
    templates = importlib.import_module(_TEMPLATES)
    patched = on_loopback(getattr(templates, _TEMPLATE, ""))
    setattr(templates, _TEMPLATE, patched)


def patch_grpc(server: Any) -> None:  # noqa: ANN401 -- grpc is not typed
    """Let a class of gRPC servers bind to loopback instead of every address.

    Raises NotOnLoopbackError where the class has no method to patch.
    """
    bind = getattr(server, _METHOD, None)
    if bind is None:
        raise NotOnLoopbackError(f"{_REFUSAL}: {_GRPC}.Server has no {_METHOD}")

    def add_insecure_port(self: object, address: str) -> int:
        port: int = bind(self, address.replace("[::]", _LOOPBACK))
        return port

    setattr(server, _METHOD, add_insecure_port)


def on_loopback(template: str) -> str:
    """Return a template of HAProxy's configuration that binds to loopback only.

    Raises NotOnLoopbackError where no line binds to every address, or a line that binds to
    another address is left.
    """
    patched, count = _BIND_EVERYWHERE.subn(rf"\g<1>{_LOOPBACK}:", template)
    if count == 0:
        raise NotOnLoopbackError(
            f"{_REFUSAL}: {_TEMPLATE} has no line that binds to every address, but at "
            "least 1 was expected"
        )
    if left := _BIND_ELSEWHERE.findall(patched):
        raise NotOnLoopbackError(f"{_REFUSAL}: {_TEMPLATE} also has {left}")
    return patched
