"""Rules about the folders of the product: what belongs where, and how much of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.style.rules import PACKAGES, ROOT

FILES_MAX: Final = 14
"""In one folder, `__init__.py` included."""

_OWNS: Final = re.compile(r"^Owns: (.*?)^Does not own: ", re.MULTILINE | re.DOTALL)
_NAMED: Final = re.compile(r"`(\w+)`")
ROOMS_ONLY: Final = ("aggregator", "node_pusher", "gitmeter")
"""Packages that hold folders and no module of their own."""


class Folder(NamedTuple):
    """A folder of product modules.

    Attributes:
        path: from the root of the repo, with `/`.
        docstring: of its `__init__.py`; empty where there is none.
        modules: names of the files in it, `__init__` left out.
    """

    path: str
    docstring: str
    modules: frozenset[str]


def product_folders() -> list[Folder]:
    """Every folder of every product package that has a module of ours."""
    found = []
    for package in PACKAGES:
        for path in sorted([ROOT / package, *(ROOT / package).rglob("*/")]):
            names = {file.stem for file in path.glob("*.py")}
            if names:
                found.append(_read(path, frozenset(names)))
    return found


def _read(path: Path, names: frozenset[str]) -> Folder:
    init = path / "__init__.py"
    text = init.read_text() if init.exists() else ""
    docstring = ast.get_docstring(ast.parse(text)) or ""
    return Folder(path.relative_to(ROOT).as_posix(), docstring, names - {"__init__"})


def uncovered_files(folder: Folder) -> Iterator[str]:
    """Files that `Owns:` does not name."""
    stated = _OWNS.search(folder.docstring)
    if folder.modules and stated is None:
        yield f"{folder.path}: its docstring has no `Owns:` and `Does not own:`"
        return
    owned = set(_NAMED.findall(stated[1])) if stated else set()
    for name in sorted(folder.modules - owned):
        yield f"{folder.path}/{name}.py: is it this folder's? Say so in `Owns:`, or move it"


def crowded(folder: Folder) -> Iterator[str]:
    """A folder with more files than one sees at a glance."""
    count = len(folder.modules) + 1
    if count > FILES_MAX:
        yield f"{folder.path}: {count} files; at most {FILES_MAX}: split it by subject"


def loose_files(folder: Folder) -> Iterator[str]:
    """Modules beside the folders of a package of folders."""
    if folder.path in ROOMS_ONLY:
        for name in sorted(folder.modules):
            yield f"{folder.path}/{name}.py: move it into one of the folders"
