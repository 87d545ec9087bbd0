"""Which source files decide what a module of serving.model makes: part of a cache key."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from serving.model.cache import sha256
from serving.model.standalone import FOLDER

_ROOM = Path(__file__).parent
_PREFIX = "serving.model."


def digests_of_sources(module: str) -> dict[str, str]:
    """Return the SHA-256 of each file that decides what `module` makes, by its path.

    These are `module` itself, every module of serving.model that it imports, directly or
    through another, and all of serving/model/standalone, whose files are copied by name.
    The paths are relative to serving/model.
    """
    found: set[Path] = set(FOLDER.glob("*.py"))
    seen: set[str] = set()
    left = [module]
    while left:
        name = left.pop()
        path = _ROOM.joinpath(*name.removeprefix(_PREFIX).split(".")).with_suffix(".py")
        if name.startswith(_PREFIX) and name not in seen and path.is_file():
            seen.add(name)
            found.add(path)
            left += imported_names(path)
    return {str(path.relative_to(_ROOM)): sha256(path) for path in sorted(found)}


def imported_names(path: Path) -> Iterator[str]:
    """Yield what a source file imports: modules, and names that may be modules."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
