"""A tree with pins of its own gets an environment, which is kept by these pins."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from perf.experiment.against import environment as module
from perf.experiment.against.environment import pins, python_of
from perf.experiment.against.tree import ROOT, Tree
from serving.errors import ConfigError

OPTION = "--perf-against v1.4"


def tree_of(root: Path, requirements: str = "", groups: str = "") -> Tree:
    """Write a tree that pins these, and return it."""
    (root / "serving").mkdir(parents=True, exist_ok=True)
    (root / "serving" / "requirements.txt").write_text(requirements, "utf-8")
    (root / "pyproject.toml").write_text(groups, "utf-8")
    return Tree(root=root, label="v1.4", commit="", changed=False)


def wheel(folder: Path, name: str) -> Path:
    """Make a wheel with one empty module, and return its path."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Tree]:
    """The trees for which an environment was built."""
    built: list[Tree] = []
    build = module._build

    def counting(folder: Path, tree: Tree, option: str) -> None:
        built.append(tree)
        build(folder, tree, option)

    monkeypatch.setattr(module, "_build", counting)
    return built


def test_equal_pins_need_no_environment(tmp_path: Path, counted: list[Tree]) -> None:
    """The Python that runs this code runs a tree that pins what ours pins."""
    ours = Tree(root=ROOT, label="HEAD", commit="", changed=False)
    assert python_of(ours, OPTION, tmp_path / "cache") == sys.executable
    assert counted == []
    assert list(tmp_path.iterdir()) == []


def test_pins_are_what_a_scenario_needs(tmp_path: Path) -> None:
    """A requirement file and the groups of what measures count; other groups do not."""
    plain = pins(tree_of(tmp_path, "one==1").root)
    assert pins(tree_of(tmp_path, "one==2").root) != plain
    group = '[dependency-groups]\n{} = ["two==1"]\n'
    assert pins(tree_of(tmp_path, "one==1", group.format("docs")).root) == plain
    for name in ("engines", "perf", "harness"):
        assert pins(tree_of(tmp_path, "one==1", group.format(name)).root) != plain
    assert pins(tree_of(tmp_path, "one==1").root) == plain


@pytest.mark.parametrize("damage", ["no TOML [", ""])
def test_a_tree_without_groups_has_pins(tmp_path: Path, damage: str) -> None:
    """An old tree may have no groups, or no pyproject.toml that can be read."""
    tree = tree_of(tmp_path, "one==1", damage)
    found = pins(tree.root)
    (tree.root / "pyproject.toml").unlink()
    assert pins(tree.root) == found


def test_pins_depend_on_the_version_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment of another Python is not used."""
    before = pins(tree_of(tmp_path).root)
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    assert pins(tmp_path) != before


@pytest.mark.slow(reason="makes environments")
def test_other_pins_get_an_environment(tmp_path: Path, counted: list[Tree]) -> None:
    """It has the packages that the tree pins; another tree with these pins shares it."""
    cache = tmp_path / "cache"
    pinned = f"only_here @ {wheel(tmp_path, 'only_here').as_uri()}\n"
    tree = tree_of(tmp_path / "tree", pinned)
    python = python_of(tree, OPTION, cache)
    assert Path(python).is_relative_to(cache / "environments" / pins(tree.root))
    done = subprocess.run(
        [python, "-c", "import sys, only_here; print(sys.prefix, sys.version)"],
        check=True,
        capture_output=True,
        text=True,
    )
    prefix, version = done.stdout.split(maxsplit=1)
    assert Path(prefix) == cache / "environments" / pins(tree.root)
    assert version.strip() == sys.version
    twin = tree_of(tmp_path / "twin", pinned)
    assert python_of(twin, OPTION, cache) == python
    assert counted == [tree]


@pytest.mark.slow(reason="makes environments")
def test_an_environment_that_was_not_completed_is_built_again(
    tmp_path: Path, counted: list[Tree]
) -> None:
    """A run may have been killed while it built: what it left is removed."""
    cache = tmp_path / "cache"
    tree = tree_of(tmp_path / "tree")
    left = cache / "environments" / pins(tree.root)
    left.mkdir(parents=True)
    (left / "half").touch()
    python = python_of(tree, OPTION, cache)
    assert Path(python).exists()
    assert not (left / "half").exists()
    assert counted == [tree]


@pytest.mark.slow(reason="makes environments")
def test_an_environment_that_cannot_be_built_leaves_nothing(tmp_path: Path) -> None:
    """The message is one line with the option and pip's own error."""
    cache = tmp_path / "cache"
    missing = (tmp_path / "no_such-1.0-py3-none-any.whl").as_uri()
    tree = tree_of(tmp_path / "tree", f"no_such @ {missing}\n")
    with pytest.raises(ConfigError) as caught:
        python_of(tree, OPTION, cache)
    message = str(caught.value)
    assert message.startswith(f"{OPTION}: its environment cannot be built: ERROR: ")
    assert "no_such" in message
    assert "\n" not in message
    left = [path.name for path in (cache / "environments").iterdir()]
    assert all(name.endswith(".lock") for name in left)


def test_a_build_that_takes_too_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one line too, and nothing is left."""
    monkeypatch.setattr(module, "_INSTALL_S", 1e-3)
    tree = tree_of(tmp_path / "tree", "one==1")
    with pytest.raises(ConfigError, match=f"^{OPTION}: its environment took too long"):
        python_of(tree, OPTION, tmp_path / "cache")
    folder = tmp_path / "cache" / "environments"
    assert all(path.suffix == ".lock" for path in folder.iterdir())


def test_a_cache_that_cannot_be_written_is_told_with_its_option(tmp_path: Path) -> None:
    """One line names --perf-cache and the fault, and there is no traceback."""
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    with pytest.raises(ConfigError) as caught:
        python_of(tree_of(tmp_path / "tree", "one==1"), OPTION, cache)
    assert str(caught.value) == (
        f"--perf-cache {cache}: {cache / 'environments'} cannot be written (Not a "
        "directory); free some space, or name another folder"
    )


def test_a_full_disk_leaves_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told in the same way, and nothing is left of what was built."""

    def full(folder: Path, _tree: Tree, _option: str) -> None:
        folder.mkdir()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "_build", full)
    with pytest.raises(ConfigError, match=r"^--perf-cache .* \(No space left on device\)"):
        python_of(tree_of(tmp_path / "tree"), OPTION, tmp_path / "cache")
    folder = tmp_path / "cache" / "environments"
    assert all(path.suffix == ".lock" for path in folder.iterdir())


def test_an_interrupted_build_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while pip installs removes the folder."""

    def interrupted(folder: Path, _tree: Tree, _option: str) -> None:
        folder.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_build", interrupted)
    with pytest.raises(KeyboardInterrupt):
        python_of(tree_of(tmp_path / "tree", "one==1"), OPTION, tmp_path / "cache")
    folder = tmp_path / "cache" / "environments"
    assert all(path.suffix == ".lock" for path in folder.iterdir())
