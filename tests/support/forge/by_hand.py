"""What a test does to a forge past its API, as its owner, its disk or its fate would."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2

from tests.support.forge.calls.branches import acting_rule
from tests.support.forge.disk import Push
from tests.support.forge.organisation import Organisation
from tests.support.forge.records import ApiError, Repo
from tests.support.forge.webhooks import Webhooks
from tests.support.forge_git.pre_receive import ZERO
from tests.support.repos import RepoWriter


class ByHand:
    """The repos of a forge, and what is done to them.

    Attributes:
        org: everything the forge holds.
        webhooks: what is sent to hooks, and whether it is.
        lose_events: pushes write refs and nothing else from now on, as those of a forge that is
            killed right after them: no webhook, and `updated_at` stays old.
    """

    org: Organisation
    webhooks: Webhooks
    lose_events: bool

    # -- settings

    def create(self, name: str, *, branch: str = "main", private: bool = True) -> Repo:
        """Make an empty repo."""
        return self.org.create(name, branch=branch, private=private)

    def repo(self, name: str) -> Repo:
        """A repo that must be there."""
        repo = self.org.find(name)
        if repo is None:
            raise ApiError(404, name)
        return repo

    def change(self, name: str, **values: object) -> Repo:
        """Set attributes of a repo, so that git's hooks know of it too."""
        repo = self.repo(name)
        with self.org.lock:
            for attribute, value in values.items():
                setattr(repo, attribute, value)
            self.org.changed(repo)
        return repo

    def rename(self, name: str, new: str) -> None:
        """Give a repo another name."""
        self.org.rename(self.repo(name), new)

    def rename_org(self, new: str) -> None:
        """Give the organisation another name."""
        self.org.rename_org(new)

    def renumber(self, name: str, number: int) -> None:
        """Give a repo another id, as a migration does; a repo that has it gets a new one."""
        self.org.renumber(self.repo(name), number)

    def delete(self, name: str) -> None:
        """Delete a repo."""
        self.org.delete(self.repo(name))

    def recreate(self, name: str) -> Repo:
        """Delete a repo and make another of the same name a second later; it has another id."""
        later = self.repo(name).created_at + timedelta(seconds=1)
        self.delete(name)
        repo = self.create(name)
        repo.created_at = max(repo.created_at, later)
        return repo

    def archive(self, name: str, *, archived: bool = True) -> None:
        """Archive a repo, or take it out of the archive."""
        self.change(name, archived_at=self.org.now() if archived else None)

    # -- commits

    def path(self, name: str) -> Path:
        """Where a repo is on this machine."""
        return self.org.disk.path(name)

    def writer(self, name: str) -> RepoWriter:
        """Writes into a repo past every rule; tell of it with `touch`."""
        return RepoWriter(self.path(name))

    def commit(self, name: str, files: Mapping[str, bytes | None], *, branch: str = "main") -> str:
        """Put a commit into a repo as a push would; returns the commit."""
        return self._commit(name, files, branch, "-")

    def merge(self, name: str, user: str, files: Mapping[str, bytes | None]) -> str:
        """Merge a pull request into `main` as a user; returns the commit.

        Who may push does not matter for that, only who may merge.

        Raises:
            ApiError: the repo has no pull requests, or its rule lets others merge alone.
        """
        repo = self.repo(name)
        rule = acting_rule(repo, "main")
        options = {} if rule is None else rule.options
        if not repo.has_pull_requests:
            raise ApiError(405, "Pull requests are not enabled")
        if (
            options.get("enable_merge_whitelist")
            and user not in options["merge_whitelist_usernames"]
        ):
            raise ApiError(405, "User not allowed to merge PR")
        return self._commit(name, files, "main", user)

    def set_back(self, name: str, commit: str, *, updated_at: datetime | None = None) -> None:
        """Set `main` back to an older commit, as a forge restored from a backup; no webhook.

        The forge says that the last push was at `updated_at`, or when that commit was made.
        """
        writer, repo = self.writer(name), self.repo(name)
        made = writer.repo[commit].peel(pygit2.Commit).commit_time
        with self.org.lock:
            writer.force(commit)
            repo.updated_at = updated_at or datetime.fromtimestamp(made, UTC)

    def touch(self, name: str) -> None:
        """Say that a repo was pushed to, without a webhook."""
        repo = self.repo(name)
        with self.org.lock:
            repo.empty, repo.updated_at = False, self.org.now()

    def pushed(self, push: Push) -> None:
        """Do what a forge does after a push; to a pull request it does nothing."""
        if self.lose_events or not push.ref.startswith(("refs/heads/", "refs/tags/")):
            return
        with self.org.lock:
            repo = self.org.find(push.repo)
            if repo is None:
                return
            self.touch(push.repo)
            if push.is_made_public and self.org.flavour == "gitea":
                repo.private = False
        self.webhooks.push(repo, push.ref, push.before, push.after, push.user)

    def _commit(self, name: str, files: Mapping[str, bytes | None], branch: str, user: str) -> str:
        writer = self.writer(name)
        before = writer.tip(branch)
        commit = writer.commit(files, branch=branch)
        self.pushed(Push(name, f"refs/heads/{branch}", before or ZERO, commit, user))
        return commit
