"""Books with a repo of their own, and an aggregator that reads it."""

import shutil
from pathlib import Path
from typing import Any, Self

import pygit2

from node_pusher.home.settings_file import read_home
from node_pusher.spool.plan import Span
from node_pusher.spool.store import Store
from tests.support.files import write_toml
from tests.support.programs import Said, run_aggregator, run_books
from tests.support.repos import bare_repo


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

    def copied_to(self, folder: Path) -> Self:
        """The same books in another folder, with a copy of their repo as it is now."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        made = type(self)(folder, self.home.name, folder / self.remote.name)
        for file in (made.home / "node.toml", made.home / "repo.git" / "config"):
            file.write_text(file.read_text().replace(str(self.remote), str(made.remote)))
        return made

    def __call__(self, *arguments: str, stdin: str = "") -> Said:
        """Run `books` on them."""
        return run_books("--home", str(self.home), *arguments, stdin=stdin)

    def init(self, *options: str) -> Said:
        """Run `books init`, with the keys of the other machines in this folder at hand."""
        where = ("--remote", f"file://{self.remote}", "--allowed-signers", str(self.signers()))
        return self("init", *where, *options)

    def set_rules(self, name: str, text: str, *options: str) -> None:
        """Write a rule file beside the home, and put it into the rule book."""
        file = self.folder / name
        file.write_text(text)
        self("rules", "set", str(file), *options).ok()

    def signers(self) -> Path:
        """The keys of every machine in this folder, as the operator collects them in a file."""
        known = self.folder / "known_signers"
        homes = sorted(self.folder.glob("*/allowed_signers"))
        known.write_text("".join(file.read_text() for file in homes))
        return known

    def aggregate(self, *arguments: str) -> Said:
        """Run `aggregator` over their repo."""
        repo = {"node": "books", "url": f"file://{self.remote}", "role": "books"}
        state, signers = self.folder / "state", self.signers()
        values = {"state": state, "allowed_signers_file": signers, "repo": [repo]}
        config = write_toml(self.folder / "aggregator.toml", values)
        return run_aggregator("--config", str(config), *arguments)

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


def spooled(home: Path) -> bytes:
    """The lines of books that are in no commit yet, of every folder."""
    found = read_home(home)
    with Store.open(found.spool_file, found.node) as store:
        return store.lines(Span(1, 2**53))
