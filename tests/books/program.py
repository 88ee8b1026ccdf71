"""The programs as a person runs them, in this process: arguments in, output and exit code out."""

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

import pygit2

import aggregator.cli
import books.cli
from tests.support.repos import bare_repo


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        code: exit code.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever JSON can say
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)

    def ok(self) -> Self:
        """This, when the program ended well."""
        assert self.code == 0, self
        return self


def run(main: Callable[[], None], *arguments: str) -> Outcome:
    """Run a program's entry point."""
    written = (io.BytesIO(), io.BytesIO())
    out, err = (io.TextIOWrapper(each, encoding="utf-8") for each in written)
    before = sys.argv
    sys.argv = ["program", *arguments]
    code: object = None
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = before
    out.flush()
    err.flush()
    assert isinstance(code, int)
    return Outcome(code, *(each.getvalue().decode() for each in written))


class Books:
    """Books with a bare repo of their own.

    Attributes:
        home: their folder.
        remote: the bare repo.
    """

    def __init__(self, folder: Path, name: str = "home", remote: Path | None = None) -> None:
        self.folder = folder
        self.home = folder / name
        self.remote = remote or bare_repo(folder / "books.git")

    def __call__(self, *arguments: str) -> Outcome:
        """Run `books` on them."""
        return run(books.cli.main, "--home", str(self.home), *arguments)

    def init(self, *options: str) -> Outcome:
        """Run `books init`, with the keys of the other machines in this folder at hand."""
        where = ("--remote", f"file://{self.remote}", "--allowed-signers", str(self.signers()))
        return self("init", *where, *options)

    def signers(self) -> Path:
        """The keys of every machine in this folder, as the operator collects them in a file."""
        known = self.folder / "known_signers"
        homes = sorted(self.folder.glob("*/allowed_signers"))
        known.write_text("".join(file.read_text() for file in homes))
        return known

    def aggregate(self, *arguments: str) -> Outcome:
        """Run `aggregator` over their repo."""
        config = self.folder / "aggregator.toml"
        config.write_text(
            f'state = "{self.folder / "state"}"\nallowed_signers_file = "{self.signers()}"\n\n'
            f'[[repo]]\nnode = "books"\nurl = "file://{self.remote}"\nrole = "books"\n'
        )
        return run(aggregator.cli.main, "--config", str(config), *arguments)

    def balance(self, user: str) -> dict[str, Any]:
        """Push, pull, and ask the aggregator."""
        self("push").ok()
        self.aggregate("pull").ok()
        found = self.aggregate("balance", user, "--json").ok().json
        assert isinstance(found, dict)
        return found

    def pushed(self, path: str) -> bytes:
        """A file at the head of the remote."""
        repo = pygit2.Repository(str(self.remote))
        entry = repo.revparse_single(f"main:{path}")
        assert isinstance(entry, pygit2.Blob)
        return entry.data

    def messages(self) -> list[str]:
        """The commit messages on the remote, newest first."""
        repo = pygit2.Repository(str(self.remote))
        return [commit.message for commit in repo.walk(repo.revparse_single("main").id)]

    def lines(self) -> bytes:
        """All money lines on the remote, by path."""
        repo = pygit2.Repository(str(self.remote))
        found = b""
        tree = repo.revparse_single("main^{tree}")
        stack = [("", tree)]
        while stack:
            path, entry = stack.pop()
            if isinstance(entry, pygit2.Tree):
                stack += sorted(((f"{path}/{e.name}", e) for e in entry), reverse=True)
            elif path.startswith("/payments/") and isinstance(entry, pygit2.Blob):
                found += entry.data
        return found
