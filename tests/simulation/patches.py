"""The real boundary functions, wrapped: SQLite, files, git objects and refs, the git program."""

import hashlib
import importlib
import itertools
import os
import pkgutil
import shutil
import sqlite3
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple, Self

import pygit2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pygit2.config import Config
from pygit2.references import References

import aggregator.pulling.passes
from gitmeter.git_remote import branch, runner
from gitmeter.git_remote.failures import UnreachableError
from gitmeter.git_remote.runner import GitResult
from gitmeter.signing.signing_key import SigningKey, new_signing_key
from tests.simulation.boundaries import Boundaries, Wire, no_space, replaced

_PROJECT: Final = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
PACKAGES: Final = _PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
"""Of the product, as they are installed: one that is forgotten here would meet no fault."""

_READS: Final = frozenset({"SELECT", "PRAGMA", "ROLLBACK", "EXPLAIN", "WITH"})
_HALF_REF: Final = "refs/simulation/half"


@contextmanager
def installed(boundaries: Boundaries) -> Iterator[None]:
    """Let everything that the product does to the world cross the boundaries."""
    with ExitStack() as stack:
        for patch in (_sqlite, _files, _git_objects, _git_program, _threads, _keys):
            stack.enter_context(patch(boundaries))
        yield


@cache
def modules() -> list[ModuleType]:
    """Every module of the product, loaded: one loaded later would keep the patches of that time."""
    packages = [importlib.import_module(name) for name in PACKAGES]
    names = [
        found.name
        for package in packages
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.name.endswith(".__main__")
    ]
    return [*packages, *map(importlib.import_module, names)]


@contextmanager
def everywhere(original: object, other: object) -> Iterator[None]:
    """Replace a function in every module of the product that has it by name."""
    with ExitStack() as stack:
        for module in modules():
            for name, value in list(vars(module).items()):
                if value is original:
                    stack.enter_context(replaced(module, name, other))
        yield


@contextmanager
def _sqlite(boundaries: Boundaries) -> Iterator[None]:
    connect = sqlite3.connect

    class Crossing(sqlite3.Connection):
        """Every statement that writes is a boundary."""

        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3 has it
            """Cross with one statement."""
            word = sql.split(None, 1)[0].upper() if sql.strip() else ""
            word = word if word.isalpha() else "statement"
            if not boundaries.is_armed or word in _READS:
                return super().execute(sql, *parameters)
            effect = super().execute
            if word == "COMMIT":
                log = Path(f"{self._path()}-wal")
                return boundaries.cross_commit(log, lambda: effect(sql, *parameters), self._full)
            return boundaries.cross(
                f"sqlite {word.lower()}", lambda: effect(sql, *parameters), self._full
            )

        def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3 has it
            """Cross with many rows at once."""
            effect = super().executemany
            return boundaries.cross("sqlite many", lambda: effect(sql, rows), self._full)

        def _path(self) -> str:
            return str(super().execute("PRAGMA database_list").fetchone()[2])

        def _full(self) -> sqlite3.OperationalError:
            """SQLite rolls back by itself when the disk is full."""
            if self.in_transaction:
                super().execute("ROLLBACK")
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            error.sqlite_errorname = "SQLITE_FULL"
            return error

    def crossing(*arguments: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401 - as sqlite3 has it
        found: sqlite3.Connection = connect(*arguments, **{"factory": Crossing, **options})
        return found

    with replaced(sqlite3, "connect", crossing):
        yield


def _wrapped(
    boundaries: Boundaries, name: str, function: Callable[..., Any], full: Callable[[], Exception]
) -> Callable[..., Any]:
    def crossing(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - any function
        return boundaries.cross(name, lambda: function(*arguments, **options), full)

    return crossing


@contextmanager
def _files(boundaries: Boundaries) -> Iterator[None]:
    """Only what the product does itself: the copies of this simulation are made unarmed."""
    with ExitStack() as stack:
        for owner, name in (
            (os, "fsync"),
            (os, "replace"),
            (os, "rename"),
            (os, "unlink"),
            (shutil, "rmtree"),
        ):
            wrapper = _wrapped(boundaries, name, getattr(owner, name), no_space)
            stack.enter_context(replaced(owner, name, wrapper))
        yield


def _no_space_for_git() -> OSError:
    return OSError("failed to write out file: No space left on device")


@contextmanager
def _git_objects(boundaries: Boundaries) -> Iterator[None]:
    """A commit is two effects: the object, then the ref that moves to it."""
    create_commit = pygit2.Repository.create_commit

    def committing(repo: pygit2.Repository, ref: str | None, *rest: Any) -> Any:  # noqa: ANN401 - as pygit2 has it
        object_ = boundaries.cross(
            "commit object", lambda: create_commit(repo, None, *rest), _no_space_for_git
        )
        if ref is None:
            return object_
        return boundaries.cross(
            "commit ref", lambda: create_commit(repo, ref, *rest), _no_space_for_git
        )

    with ExitStack() as stack:
        for owner, name, function in (
            (pygit2.Repository, "create_blob", pygit2.Repository.create_blob),
            (
                pygit2.Repository,
                "create_commit_with_signature",
                pygit2.Repository.create_commit_with_signature,
            ),
            (References, "create", References.create),
            (References, "delete", References.delete),
            (Config, "__setitem__", Config.__setitem__),
        ):
            wrapper = _wrapped(boundaries, f"git {name}", function, _no_space_for_git)
            stack.enter_context(_method(owner, name, wrapper))
        stack.enter_context(_method(pygit2.Repository, "create_commit", committing))
        init = _wrapped(boundaries, "git init", pygit2.init_repository, _no_space_for_git)
        stack.enter_context(replaced(pygit2, "init_repository", init))
        yield


@contextmanager
def _method(owner: type, name: str, wrapper: object) -> Iterator[None]:
    """Set a method that a class may only inherit."""
    inherited = name not in vars(owner)
    before = getattr(owner, name)
    setattr(owner, name, wrapper)
    try:
        yield
    finally:
        if inherited:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


@contextmanager
def _git_program(boundaries: Boundaries) -> Iterator[None]:
    run_git, look = runner.run_git, branch._by_libgit2

    def running(args: Sequence[str], **options: Any) -> GitResult:  # noqa: ANN401 - as run_git has them
        command = args[0]
        try:
            return boundaries.cross(
                f"git {command}",
                lambda: _over(boundaries.wire(command), run_git, args, options),
                _no_space_for_git,
            )
        except OSError as error:  # of the simulation: the program itself would say so
            return GitResult(128, b"", f"fatal: {error}")

    def looking(*arguments: Any) -> Any:  # noqa: ANN401 - as it has them
        def effect() -> Any:  # noqa: ANN401
            if boundaries.wire("look") is not None:
                raise UnreachableError("the network is down")
            return look(*arguments)

        return boundaries.cross("look", effect)

    with everywhere(run_git, running), everywhere(look, looking):
        yield


def _over(
    wire: Wire | None,
    run_git: Callable[..., GitResult],
    args: Sequence[str],
    options: Mapping[str, Any],
) -> GitResult:
    """Run git over a network that does this."""
    lost = GitResult(128, b"", "fatal: the remote end hung up unexpectedly\nfatal: early EOF")
    if wire is None:
        return run_git(args, **options)
    if wire is Wire.DONE_BUT_FAILS:
        run_git(args, **options)
    elif wire is Wire.LIES:
        return GitResult(0, b"", "")
    elif wire is Wire.HALF and args[0] == "fetch":
        source = args[-1].removeprefix("+").partition(":")[0]
        run_git([*args[:-1], f"+{source}:{_HALF_REF}"], **options)
        run_git(["update-ref", "-d", _HALF_REF], cwd=options["cwd"], timeout_s=60)
    return lost


@contextmanager
def _threads(_: Boundaries) -> Iterator[None]:
    """Repos are looked at one after the other, in the order of the configuration."""
    with (
        replaced(aggregator.pulling.passes, "ThreadPoolExecutor", OneByOne),
        replaced(aggregator.pulling.passes, "wait", _first_of),
    ):
        yield


@contextmanager
def _keys(_: Boundaries) -> Iterator[None]:
    """Keys that are the same in every run, so that commits are."""
    made = itertools.count()

    def key() -> SigningKey:
        secret = hashlib.sha256(b"key %d" % next(made)).digest()
        return SigningKey(Ed25519PrivateKey.from_private_bytes(secret))

    with everywhere(new_signing_key, key):
        yield


class OneByOne:
    """An executor that runs what is submitted at once."""

    def __init__(self, _workers: int) -> None:
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, function: Callable[..., Any], *arguments: Any) -> "Future[Any]":  # noqa: ANN401 - any function
        """Run it; death ends the process here, everything else is the future's."""
        future = Numbered(self._count)
        self._count += 1
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001 - handed on
            future.set_exception(error)
        return future

    def shutdown(self, **_: Any) -> None:  # noqa: ANN401 - as an executor has them
        """Nothing runs."""


class Numbered(Future[Any]):
    """A future that knows when it was submitted."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Waited(NamedTuple):
    """What `wait` returns."""

    done: set[Numbered]
    not_done: set[Numbered]


def _first_of(pending: set[Numbered], **_: object) -> Waited:
    """The one that was submitted first, and the rest."""
    first = set(sorted(pending, key=lambda future: future.number)[:1])
    return Waited(first, pending - first)
