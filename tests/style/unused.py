"""Public names of the product that nothing but tests refers to."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tests.style.rules import ROOT, Module, full_name, imported_names

USER_FOLDERS: Final = ("benchmarks", "docs", "fixtures")
"""Beside the product itself: whose code keeps a name of the product alive."""

_PLAIN_DECORATORS: Final = {
    "abstractmethod",
    "cached_property",
    "classmethod",
    "contextmanager",
} | {
    *("dataclass", "override", "property", "setter", "staticmethod"),
}
"""They hand a function or class on under its own name; others, as click's, register it."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Unused(NamedTuple):
    """A public function, method or class that no code but tests refers to.

    Attributes:
        name: `function`, `Class` or `Class.method`.
        module: the path of its module.
        line_no: where in it, from 1.
    """

    name: str
    module: str
    line_no: int


def user_modules() -> list[Module]:
    """Every module of benchmarks, fixtures and docs."""
    return [
        Module(path.relative_to(ROOT).as_posix(), path.read_text())
        for folder in USER_FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def unused_names(product: Iterable[Module], users: Iterable[Module]) -> Iterator[Unused]:
    """The public names of the product that neither it nor its users refer to.

    A function or class is referred to by its full name; a method by its own name, of whatever
    object: `x.close()` keeps every `close` alive. What a definition says inside itself does not
    count.
    """
    product = list(product)
    trees = {module.path: module.tree for module in product}
    full: Counter[str] = Counter()
    bare: Counter[str] = Counter()
    for module in [*product, *users]:
        tree = module.tree
        full.update(_full_names(tree, tree, _dotted(module.path)))
        bare.update(_bare_names(tree))
    for path, tree in trees.items():
        own = _dotted(path)
        for name, node in _public(tree):
            if "." in name:
                is_used = bare[node.name] > Counter(_bare_names(node))[node.name]
            else:
                key = f"{own}.{name}"
                is_used = full[key] > Counter(_full_names(node, tree, own))[key]
            if not is_used:
                yield Unused(name, path, node.lineno)


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _public(tree: ast.Module) -> Iterator[tuple[str, Definition]]:
    for node in _plain(tree.body):
        yield node.name, node
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{inner.name}", inner) for inner in _plain(node.body))


def _plain(body: Iterable[ast.stmt]) -> Iterator[Definition]:
    """Public definitions that are not registered somewhere by a decorator."""
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        if all(_decorator(each) in _PLAIN_DECORATORS for each in node.decorator_list):
            yield node


def _decorator(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _full_names(part: ast.AST, tree: ast.Module, own: str) -> Iterator[str]:
    """Every name of a part of a module in full: imported, of an imported module, or its own."""
    imported = imported_names(tree)
    for node in ast.walk(part):
        if isinstance(node, ast.Name):
            yield imported.get(node.id, f"{own}.{node.id}")
        elif isinstance(node, ast.Attribute):
            yield full_name(node, imported)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _bare_names(tree: ast.AST) -> Iterator[str]:
    """Every name of an attribute, and every whole string, which `getattr` may be given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
