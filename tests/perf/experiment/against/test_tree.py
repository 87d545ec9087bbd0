"""A revision's files are found without a touch to the user's own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from perf.experiment.against import tree as module
from perf.experiment.against.tree import (
    Tree,
    files_digest,
    find_tree,
    is_at_hand,
    own_tree,
)
from serving.errors import ConfigError
from tests.perf.experiment.against.repository import HOST, TABLE, Repository

OPTION = "--perf-against it"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache."""
    return tmp_path / "cache"


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository that stands in for the one that this code is part of."""
    repository = Repository(tmp_path / "ours")
    monkeypatch.setattr(module, "ROOT", repository.root)
    return repository


def refused(ref: str, cache: Path) -> str:
    """Return the message with which `ref` is refused."""
    with pytest.raises(ConfigError) as caught:
        find_tree(ref, OPTION, cache)
    return str(caught.value)


def test_a_revision_is_checked_out_into_the_cache(ours: Repository, cache: Path) -> None:
    """It has the files of its commit, and not those of the working tree."""
    ours.write(TABLE, "# not committed")
    ours.write("new.txt", "not committed")
    ours.git("tag", "v1.4", ours.new)
    found = find_tree("v1.4", OPTION, cache)
    root = cache / "trees" / ours.new
    assert found == Tree(root=root, label="v1.4", commit=ours.new, changed=False)
    assert (found.root / TABLE).read_text("utf-8") == "# new"
    assert (found.root / HOST).is_file()
    assert not (found.root / "new.txt").exists()
    assert list(root.parent.iterdir()) == [root]


@pytest.mark.parametrize("ref", ["HEAD", "main", "{commit}", "{short}", "HEAD~0"])
def test_a_checkout_is_kept_by_its_commit(
    ours: Repository, cache: Path, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever names the commit, its files are used again and not written again."""
    first = find_tree(ours.new, OPTION, cache)
    (first.root / "mark").touch()

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("it is checked out already")

    monkeypatch.setattr(module, "_must", refuse)
    name = ref.format(commit=ours.new, short=ours.new[:10])
    again = find_tree(name, OPTION, cache)
    assert again.root == first.root
    assert (again.root / "mark").exists()
    assert again.label == name


def test_the_users_files_and_index_stay_as_they_are(ours: Repository, cache: Path) -> None:
    """What is staged, what is changed and what is new is the same afterwards."""
    ours.write("staged.txt", "staged")
    ours.git("add", "staged.txt")
    ours.write("staged.txt", "changed again")
    ours.write("untracked.txt", "new")
    index = ours.root / ".git" / "index"
    before = ours.git("status", "--porcelain"), index.read_bytes()
    find_tree("HEAD", OPTION, cache)
    assert index.read_bytes() == before[1]
    assert ours.git("status", "--porcelain") == before[0]
    assert ours.git("rev-parse", "HEAD") == ours.new
    assert ours.git("worktree", "list").count("\n") == 0


def test_a_folder_is_used_where_it_is(
    ours: Repository, tmp_path: Path, cache: Path
) -> None:
    """Its files are not copied; its commit and its changes are known."""
    other = Repository(tmp_path / "other")
    found = find_tree(str(other.root), OPTION, cache)
    assert (found.root, found.label) == (other.root, str(other.root))
    assert (found.commit, found.changed) == (other.new, False)
    assert other.new != "" != ours.new
    other.write("new.txt", "new")
    assert find_tree(str(other.root), OPTION, cache).changed
    assert not cache.exists()


def test_a_relative_folder_becomes_absolute(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host runs in another folder."""
    other = Repository(tmp_path / "other")
    monkeypatch.chdir(tmp_path)
    assert find_tree("other", OPTION, cache).root == other.root


def test_a_folder_without_git_has_no_commit(tmp_path: Path, cache: Path) -> None:
    """An unpacked archive can take part too."""
    other = Repository(tmp_path / "other")
    shutil.rmtree(other.root / ".git")
    found = find_tree(str(other.root), OPTION, cache)
    assert (found.commit, found.changed) == ("", False)


@pytest.mark.parametrize(
    "ref", ["no-such-branch", "/no/such/folder", "--output=x", "~1", "HEAD~99", "x" * 300]
)
def test_an_unknown_ref_is_refused(ours: Repository, cache: Path, ref: str) -> None:
    """It is neither a folder nor a revision, and nothing is left in the cache."""
    assert refused(ref, cache) == (
        f"{OPTION}: there is no such git revision, and no such folder"
    )
    assert not cache.exists()
    assert ours.git("status", "--porcelain") == ""


def test_an_object_that_is_no_commit_is_refused(ours: Repository, cache: Path) -> None:
    """A file of the repository is no revision."""
    assert "no such git revision" in refused(f"HEAD:{TABLE}", cache)
    assert ours.new


def test_a_revision_without_a_host_is_too_old(ours: Repository, cache: Path) -> None:
    """It was made before trees could be compared."""
    assert refused(ours.old, cache) == (
        f"{OPTION}: it has no {HOST}, so it is too old to take part"
    )


def test_a_folder_without_a_table_has_nothing_to_measure(
    tmp_path: Path, cache: Path
) -> None:
    """It is no tree of this project."""
    assert refused(str(tmp_path), cache) == (
        f"{OPTION}: it has no {TABLE}, so it has nothing to measure"
    )


def test_a_checkout_that_fails_leaves_nothing(
    ours: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run finds no half of a tree."""
    run = module._run_git

    def failing(
        *arguments: str, root: Path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        more = ("--no-such",) if arguments[0] == "checkout-index" else ()
        return run(*arguments[:1], *more, *arguments[1:], root=root, env=env)

    monkeypatch.setattr(module, "_run_git", failing)
    assert re.fullmatch(
        rf"git checkout-index .* failed in {ours.root}: error: unknown option .no-such.",
        refused("HEAD", cache),
    )
    assert list((cache / "trees").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told_with_its_option(
    ours: Repository, tmp_path: Path
) -> None:
    """One line names --perf-cache and the fault, and there is no traceback."""
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    assert refused(ours.new, cache) == (
        f"--perf-cache {cache}: {cache / 'trees'} cannot be written (Not a directory); "
        "free some space, or name another folder"
    )


def test_another_run_may_have_been_faster(
    ours: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs may check out one commit at a time; the files of the first are used."""
    must = module._must

    def beaten(*arguments: str, env: dict[str, str]) -> None:
        must(*arguments, env=env)
        if arguments[0] == "checkout-index":
            theirs = cache / "trees" / ours.new
            shutil.copytree(Path(env["GIT_INDEX_FILE"]).parent / "files", theirs)

    monkeypatch.setattr(module, "_must", beaten)
    found = find_tree("HEAD", OPTION, cache)
    assert (found.root / HOST).is_file()
    assert list((cache / "trees").iterdir()) == [found.root]


def test_our_own_tree_is_named_by_its_state(ours: Repository) -> None:
    """It is HEAD, unless any file differs from it: then it is the working tree."""
    clean = Tree(root=ours.root, label="HEAD", commit=ours.new, changed=False)
    assert own_tree() == clean
    ours.write(TABLE, "# changed")
    found = own_tree()
    assert (found.label, found.changed) == ("the working tree", True)
    assert found.commit == ours.new
    ours.git("checkout", "--quiet", TABLE)
    ours.write("untracked.txt", "new")
    assert own_tree().label == "the working tree"


def test_the_history_is_no_change_of_the_code(ours: Repository) -> None:
    """A run adds a line to it, and the next run measures the same commit again."""
    ours.write("history/class.jsonl", "{}")
    assert own_tree().label == "HEAD"
    ours.write("perf/history/new.py", "")
    assert own_tree().label == "the working tree"


def test_our_own_tree_without_git_is_the_working_tree(ours: Repository) -> None:
    """There is no HEAD then."""
    shutil.rmtree(ours.root / ".git")
    assert (own_tree().label, own_tree().commit) == ("the working tree", "")


def test_a_commit_is_at_hand_where_it_can_take_part(ours: Repository) -> None:
    """Git must have it, and it must have a host; the index is no commit."""
    assert is_at_hand(ours.new)
    assert not is_at_hand(ours.old)
    assert not is_at_hand("0" * 40)
    assert not is_at_hand("")


def test_without_git_there_is_no_revision(
    ours: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where git is not installed, the message is the same and no commit is at hand."""
    monkeypatch.setenv("PATH", "")
    assert "no such git revision" in refused(ours.new, cache)
    assert not is_at_hand(ours.new)
    assert own_tree().commit == ""


def test_the_digest_is_that_of_what_servers_and_jobs_run(tmp_path: Path) -> None:
    """Of their bytes, names and places, without caches of Python and other rooms."""
    seen = set()
    for name, text in (
        ("serving/backends/app.py", "1"),
        ("serving/backends/app.py", "2"),
        ("serving/model/app.py", "2"),
        ("perf/load/client.py", "2"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        seen.add(files_digest(tmp_path))
    assert len(seen) == 4
    for name in ("serving/__pycache__/app.pyc", "perf/report/page.py", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("3", encoding="utf-8")
    assert files_digest(tmp_path) in seen
