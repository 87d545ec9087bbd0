"""Ray Serve is kept to loopback, and a version that cannot be kept there is refused."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from serving.backends.apps import ray_loopback
from serving.backends.apps.ray_loopback import (
    NotOnLoopbackError,
    on_loopback,
    patch,
    patch_grpc,
)

_TEMPLATE = """\
frontend prometheus
    bind :{{ config.metrics_port }}
frontend http_frontend
    # bind *: is only a comment
    bind {{ config.frontend_host }}:{{ config.frontend_port }}
listen stats
  bind *:{{ config.stats_port }}
"""


class _Server:
    """Looks like gRPC's server: binding returns the address."""

    def add_insecure_port(self, address: str) -> str:
        """Return the address that would be bound."""
        return address


def test_every_open_bind_is_changed() -> None:
    """Lines that bind to every address bind to loopback; nothing else changes."""
    assert (
        on_loopback(_TEMPLATE)
        == """\
frontend prometheus
    bind 127.0.0.1:{{ config.metrics_port }}
frontend http_frontend
    # bind *: is only a comment
    bind {{ config.frontend_host }}:{{ config.frontend_port }}
listen stats
  bind 127.0.0.1:{{ config.stats_port }}
"""
    )


@pytest.mark.parametrize(
    "template",
    ["", "listen stats\n    bind {{ config.stats_host }}:{{ config.stats_port }}\n"],
    ids=["missing", "nothing to change"],
)
def test_a_template_without_such_a_line_is_refused(template: str) -> None:
    """Where nothing is replaced, the template is not the one that was read."""
    with pytest.raises(NotOnLoopbackError, match=r"no line .* at least 1 was expected"):
        on_loopback(template)


@pytest.mark.parametrize(
    "line",
    ["bind 0.0.0.0:80", "bind [::]:80", "bind *{{ port }}", "bind ipv4@*:80", "bind  /run"],
)
def test_a_bind_to_another_address_is_refused(line: str) -> None:
    """A line that was not changed and may be open is named, and Ray is not started."""
    with pytest.raises(NotOnLoopbackError) as caught:
        on_loopback(f"{_TEMPLATE}    {line}\n")
    assert f"also has ['    {line}']" in str(caught.value)


def test_grpc_binds_to_loopback() -> None:
    """A server that asks for every address gets loopback; another address is kept."""

    class Server(_Server):
        pass

    patch_grpc(Server)
    assert Server().add_insecure_port("[::]:9000") == "127.0.0.1:9000"
    assert Server().add_insecure_port("127.0.0.1:0") == "127.0.0.1:0"


@pytest.mark.parametrize("server", [None, type("Server", (), {})])
def test_grpc_without_the_method_is_refused(server: type | None) -> None:
    """Where the class or its method has gone, Ray is not started."""
    with pytest.raises(NotOnLoopbackError, match=r"Server has no add_insecure_port"):
        patch_grpc(server)


@pytest.fixture
def templates(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Put modules with these names in the place of Ray's and gRPC's."""
    grpc, templates = ModuleType("grpc"), ModuleType("templates")
    vars(grpc)["Server"] = type("Server", (_Server,), {})
    vars(templates)["HAPROXY_CONFIG_TEMPLATE"] = _TEMPLATE
    monkeypatch.setitem(sys.modules, ray_loopback._GRPC, grpc)
    monkeypatch.setitem(sys.modules, ray_loopback._TEMPLATES, templates)
    return templates


def test_a_process_is_patched(templates: ModuleType) -> None:
    """The template that HAProxy's configuration is made of has no open port."""
    patch()
    assert on_loopback(_TEMPLATE) == templates.HAPROXY_CONFIG_TEMPLATE


def test_a_template_that_was_renamed_is_refused(templates: ModuleType) -> None:
    """Where Ray has no such template, it is not started."""
    del templates.HAPROXY_CONFIG_TEMPLATE
    with pytest.raises(NotOnLoopbackError, match="HAPROXY_CONFIG_TEMPLATE has no"):
        patch()


@pytest.mark.usefixtures("templates")
def test_a_patch_that_comes_too_late_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Ray has read the template already, changing it would do nothing."""
    monkeypatch.setitem(sys.modules, ray_loopback._TEMPLATE_READER, ModuleType("reader"))
    with pytest.raises(NotOnLoopbackError, match="imported before"):
        patch()
