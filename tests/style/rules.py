"""Rules of style that no linter here knows, each a function from a module to what breaks it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = (
    *("wire_format", "gitmeter", "cursors", "providers"),
    *("node_pusher", "front", "books", "till", "aggregator", "portal"),
)
FUNCTION_LINES_MAX: Final = 69
MODULE_LINES_MAX: Final = 299

BANNED_NAMES: Final = {
    "datetime.datetime.now": "take `now` as an argument",
    "datetime.datetime.utcnow": "take `now` as an argument",
    "datetime.datetime.today": "take `now` as an argument",
    "datetime.date.today": "take `now` as an argument",
    "time.time": "take `now` as an argument",
    "time.time_ns": "take `now` as an argument",
    "os.system": "gitmeter.git_remote.runner.run_git, or subprocess with a list",
    "os.popen": "gitmeter.git_remote.runner.run_git, or subprocess with a list",
    "subprocess.getoutput": "gitmeter.git_remote.runner.run_git, or subprocess with a list",
    "print": "click.echo, or gitmeter.support.terminal.print_json and print_table",
}
"""Full name to what to use in its place."""

_SQL: Final = re.compile(
    r"\s*(SELECT|INSERT (OR|INTO)|UPDATE \w+ SET|DELETE FROM|CREATE \w+|PRAGMA|BEGIN|COMMIT"
    r"|ROLLBACK)\b"
)

CLOCK_NAMES: Final = frozenset(name for name in BANNED_NAMES if name.startswith(("date", "time")))


class Finding(NamedTuple):
    """One place that breaks a rule.

    Attributes:
        line_no: where in the module, from 1.
        text: what is there and what to do about it.
        name: the banned name, where the rule is about one.
    """

    line_no: int
    text: str
    name: str = ""


class Module(NamedTuple):
    """A product module.

    Attributes:
        path: from the root of the repo, with `/`.
        source: its text.
    """

    path: str
    source: str

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return _parsed(self.source, self.path)


@cache
def _parsed(source: str, path: str) -> ast.Module:
    return ast.parse(source, path)


def forget_trees() -> None:
    """Forget the syntax trees: those of all modules are many objects."""
    _parsed.cache_clear()
    imported_names.cache_clear()


def product_modules() -> list[Module]:
    """Every module of every product package."""
    return [
        Module(path.relative_to(ROOT).as_posix(), path.read_text())
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


def long_functions(module: Module) -> Iterator[Finding]:
    """Functions that no longer fit on a screen."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                text = f"{node.name} has {length} lines; at most {FUNCTION_LINES_MAX}: split it"
                yield Finding(node.lineno, text)


def long_module(module: Module) -> Iterator[Finding]:
    """A module with more than one job, most likely."""
    length = len(module.source.splitlines())
    if length > MODULE_LINES_MAX:
        yield Finding(length, f"{length} lines; at most {MODULE_LINES_MAX}: split it by job")


def missing_docstring(module: Module) -> Iterator[Finding]:
    """A module that does not say what it is for."""
    if not ast.get_docstring(module.tree):
        yield Finding(1, "has no docstring: say what it is for")


def assertions(module: Module) -> Iterator[Finding]:
    """Checks that vanish under `python -O`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assert):
            yield Finding(node.lineno, "assert vanishes under -O: raise an error of its own type")


@cache
def imported_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name of a module stands for, in full."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                full = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or full] = full
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def full_name(node: ast.expr, imported: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return imported.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (base := full_name(node.value, imported)):
        return f"{base}.{node.attr}"
    return ""


def banned_names(module: Module) -> Iterator[Finding]:
    """Names that have a replacement here, called or handed on."""
    tree = module.tree
    imported = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = full_name(node, imported)
            if name in BANNED_NAMES:
                yield Finding(node.lineno, f"{name}: instead {BANNED_NAMES[name]}", name)


def shell_strings(module: Module) -> Iterator[Finding]:
    """Commands that a shell takes apart."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            no = isinstance(node.value, ast.Constant) and node.value.value is False
            if not no:
                yield Finding(node.value.lineno, "shell=: start the process from a list")


def sql(module: Module) -> Iterator[Finding]:
    """SQL statements in string literals."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str) and _SQL.match(node.value):
            yield Finding(node.lineno, "SQL: move it to the module that has the others")


def handles_money(module: Module) -> bool:
    """Whether any name of the module speaks of nano-dollars."""
    return "nano" in module.source


def floats(module: Module) -> Iterator[Finding]:
    """Floats: literals, conversions and annotations."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield Finding(node.lineno, f"{node.value}: use int nano-dollars, or Fraction")
        elif isinstance(node, ast.Name) and node.id == "float":
            yield Finding(node.lineno, "float: use int nano-dollars, or Fraction")


def divisions(module: Module) -> Iterator[Finding]:
    """True division, which makes floats of ints."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield Finding(node.lineno, "/ makes a float of two ints: use // or Fraction")


def class_names(module: Module) -> Iterator[str]:
    """The classes of a module, those inside functions and other classes left out."""
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name


def _is_private(dotted: str) -> bool:
    return any(
        part.startswith("_") and not (part.startswith("__") and part.endswith("__"))
        for part in dotted.split(".")
    )


def foreign_private_names(module: Module) -> Iterator[Finding]:
    """Private names of another product package, imported or reached through it."""
    own = module.path.partition("/")[0]
    others = set(PACKAGES) - {own}
    tree = module.tree
    imported = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [full_name(node, imported)]
        else:
            continue
        for name in names:
            if name.partition(".")[0] in others and _is_private(name):
                yield Finding(node.lineno, f"{name} is private to its package: make it public")
