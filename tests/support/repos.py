"""Bare repos and histories of any shape, written with pygit2 alone and no product code.

writer = RepoWriter(tmp_path / "node.git")
writer.commit({segment_path(date(2025, 1, 1), 1): usage_line(seq=1, ...)})
"""

import copy
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

import pygit2

FIRST_COMMIT_AT = datetime(2025, 6, 1, tzinfo=UTC)
"""When the first commit of a writer is dated; each next one is an hour later unless told."""

USAGE_KEYS = (
    *("v", "node", "seq", "ts", "user", "resource", "applies_to", "units", "instance", "id"),
    *("corrects", "reason", "meta"),
)
MONEY_KEYS = (
    *("v", "node", "seq", "ts", "user", "kind", "provider", "external_ref", "refers_to"),
    *("of_provider", "of_ref", "amount", "currency", "credited_usd", "status"),
    *("category", "priority", "from", "until", "scope", "reason"),
)
ACCOUNT_KEYS = (
    *("v", "node", "seq", "ts", "user", "kind", "plan", "instead_of", "from", "until", "fee_usd"),
    *("cap_usd", "next_plan", "reason"),
)
DECISION_KEYS = (
    *("v", "node", "seq", "ts", "kind", "repo", "tip", "of", "of_seq", "to_seq", "of_ts"),
    *("line_sha256", "incident", "subject", "refers_to", "by", "reason"),
)


def bare_repo(path: Path, *, protect: bool = True) -> Path:
    """Make an empty bare repo with branch `main` that a forge could serve, and return its path.

    Args:
        path: where; must not exist yet.
        protect: refuse forced pushes and deletions, as a protected branch does.
    """
    repo = pygit2.init_repository(str(path), bare=True, initial_head="main")
    repo.config["http.receivepack"] = True
    repo.config["uploadpack.allowFilter"] = True
    repo.config["receive.denyNonFastForwards"] = protect
    repo.config["receive.denyDeletes"] = protect
    repo.config["receive.autogc"] = False  # one process less for each push
    shutil.rmtree(path / "hooks")  # samples
    (path / "hooks").mkdir()
    return path


def refuse_pushes(path: Path, reason: str = "this branch is closed") -> None:
    """Make the repo's pre-receive hook refuse every push, as a forge's rule does."""
    set_hook(path, "pre-receive", f"echo '{reason}' >&2\nexit 1\n")


def accept_pushes(path: Path) -> None:
    """Take the pre-receive hook away."""
    (path / "hooks" / "pre-receive").unlink()


def set_hook(path: Path, name: str, script: str) -> None:
    """Give a bare repo a hook, a shell script."""
    hook = path / "hooks" / name
    hook.write_text(f"#!/bin/sh\n{script}")
    hook.chmod(0o755)


def segment_path(day: date, first_seq: int, *, folder: str = "usage") -> str:
    """Where a segment lies: `usage/2025/01/31/0000000000000017.jsonl`."""
    return f"{folder}/{day:%Y/%m/%d}/{first_seq:016d}.jsonl"


def usage_line(**values: object) -> bytes:
    """A usage line with keys in wire order; `v` and unit defaults for what is not given."""
    defaults = {
        "v": 1,
        "node": "node-1",
        "seq": 1,
        "ts": "2025-01-01T00:30:00Z",
        "user": "alice",
        "resource": "hero_os/seconds",
        "units": 1,
    }
    return encode_line({**defaults, **values}, USAGE_KEYS)


def money_line(**values: object) -> bytes:
    """A money line with keys in wire order; a succeeded payment of 10 USD unless told."""
    defaults = {
        "v": 1,
        "node": "books",
        "seq": 1,
        "ts": "2025-01-01T00:00:00Z",
        "user": "alice",
        "kind": "payment",
        "provider": "manual",
        "amount": "10",
        "currency": "USD",
        "status": "succeeded",
    }
    return encode_line({**defaults, **values}, MONEY_KEYS)


def account_line(**values: object) -> bytes:
    """A line about an account with keys in wire order."""
    defaults = {"v": 2, "node": "books", "seq": 1, "ts": "2025-01-01T00:00:00Z", "user": "alice"}
    return encode_line({**defaults, **values}, ACCOUNT_KEYS)


def decision_line(**values: object) -> bytes:
    """A decision line with keys in wire order."""
    defaults = {
        "v": 1,
        "node": "books",
        "seq": 1,
        "ts": "2025-01-01T00:00:00Z",
        "by": "olga",
        "reason": "looked at",
    }
    return encode_line({**defaults, **values}, DECISION_KEYS)


def encode_line(values: Mapping[str, object], keys: Sequence[str]) -> bytes:
    """One JSON line with `keys` in that order; None and the default category are left out."""
    present = {key: values[key] for key in keys if values.get(key) is not None}
    if present.get("applies_to") == "hero_os_hourly":
        del present["applies_to"]
    if unknown := set(values) - set(keys):
        raise TypeError(f"not keys of this line: {sorted(unknown)}")
    return json.dumps(present, separators=(",", ":")).encode() + b"\n"


class RepoWriter:
    """Writes commits straight into a bare repo; makes the repo when it is not there.

    Attributes:
        path: the bare repo.
        repo: for anything that is not here.
        signer: gives the signature over a new commit; None leaves it unsigned.
    """

    signer: Callable[[bytes], bytes] | None = None

    def __init__(self, path: Path) -> None:
        self.path = path if path.exists() else bare_repo(path)
        self.repo = pygit2.Repository(str(path))
        self._written = 0

    def copied_to(self, path: Path) -> Self:
        """A writer that goes on in a copy of the repo."""
        made = copy.copy(self)
        made.path, made.repo = path, pygit2.Repository(str(path))
        return made

    @property
    def url(self) -> str:
        """The repo as a remote on this machine."""
        return self.path.resolve().as_uri()

    def tip(self, branch: str = "main") -> str | None:
        """The commit a branch is at; None while it does not exist."""
        reference = self.repo.references.get(f"refs/heads/{branch}")
        return None if reference is None else str(reference.target)

    def commit(
        self,
        files: Mapping[str, bytes | None],
        *,
        message: str = "usage",
        when: datetime | None = None,
        parents: Sequence[str] | None = None,
        branch: str = "main",
    ) -> str:
        """Commit files over the tree of the first parent, and move the branch to the new commit.

        Args:
            files: path to content; None takes the file away.
            message: as it is.
            when: of author and committer; None is an hour after the last one.
            parents: commit ids; None is the branch's tip, `()` starts an unrelated history, two or
                more make a merge.
            branch: moved even where that is not a fast-forward.

        Returns:
            the new commit's id.
        """
        if parents is None:
            tip = self.tip(branch)
            parents = () if tip is None else (tip,)
        when = when or FIRST_COMMIT_AT + timedelta(hours=self._written)
        self._written += 1
        signature = pygit2.Signature("node", "node@example.invalid", int(when.timestamp()), 0)
        base = self.repo[parents[0]].peel(pygit2.Tree) if parents else None
        tree = self._tree(base, [(path.split("/"), data) for path, data in files.items()])
        above: list[str | pygit2.Oid] = [pygit2.Oid(hex=p) for p in parents]
        if self.signer is None:
            commit = self.repo.create_commit(None, signature, signature, message, tree, above)
        else:
            made = self.repo.create_commit_string(signature, signature, message, tree, above)
            text = str(made)
            signed = self.signer(text.encode()).decode()
            commit = self.repo.create_commit_with_signature(text, signed, "gpgsig")
        self.force(str(commit), branch=branch)
        return str(commit)

    def commits(self, histories: Iterable[Mapping[str, bytes | None]]) -> list[str]:
        """Several commits, one on the other."""
        return [self.commit(files) for files in histories]

    def merge(
        self, other: str, files: Mapping[str, bytes | None] | None = None, *, branch: str = "main"
    ) -> str:
        """Merge a commit into a branch.

        Args:
            other: the second parent.
            files: what the merge's tree has over the first parent's; None takes every file of
                `other`. What neither side has makes an evil merge.
            branch: what is merged into.
        """
        tip = self.tip(branch)
        if tip is None:
            raise ValueError(f"{branch} has no commit to merge into")
        if files is None:
            files = dict(self.files(other))
        return self.commit(files, message="merge", parents=(tip, other), branch=branch)

    def orphan(self, files: Mapping[str, bytes | None], *, branch: str = "main") -> str:
        """Replace a branch by a history that shares nothing with it."""
        return self.commit(files, message="unrelated", parents=(), branch=branch)

    def force(self, commit: str, *, branch: str = "main") -> None:
        """Move a branch to any commit, as a forced push does."""
        self.repo.references.create(f"refs/heads/{branch}", pygit2.Oid(hex=commit), force=True)

    def delete_branch(self, branch: str = "main") -> None:
        """Take a branch away; its commits stay until git collects them."""
        self.repo.references.delete(f"refs/heads/{branch}")

    def files(self, commit: str) -> dict[str, bytes]:
        """Path to content of every file in the tree of a commit (or of anything git can name)."""
        return dict(self._walk(self.repo.revparse_single(commit).peel(pygit2.Tree), ""))

    def _walk(self, tree: pygit2.Tree, prefix: str) -> Iterable[tuple[str, bytes]]:
        for entry in tree:
            if isinstance(entry, pygit2.Tree):
                yield from self._walk(entry, f"{prefix}{entry.name}/")
            elif isinstance(entry, pygit2.Blob):
                yield f"{prefix}{entry.name}", entry.data

    def _tree(
        self, base: pygit2.Tree | None, changes: Sequence[tuple[list[str], bytes | None]]
    ) -> pygit2.Oid:
        builder = self.repo.TreeBuilder() if base is None else self.repo.TreeBuilder(base)
        below: dict[str, list[tuple[list[str], bytes | None]]] = {}
        for (name, *rest), data in changes:
            if rest:
                below.setdefault(name, []).append((rest, data))
            elif data is not None:
                blob = self.repo.create_blob(data)
                builder.insert(name, blob, pygit2.enums.FileMode.BLOB)
            elif base is not None and name in base:
                builder.remove(name)
        for name, inner in below.items():
            old = base[name] if base is not None and name in base else None
            tree = self._tree(old if isinstance(old, pygit2.Tree) else None, inner)
            if len(self.repo[tree].peel(pygit2.Tree)):
                builder.insert(name, tree, pygit2.enums.FileMode.TREE)
            elif old is not None:
                builder.remove(name)
        return builder.write()
