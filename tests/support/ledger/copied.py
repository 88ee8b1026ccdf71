"""A world whose aggregator keeps copies at a remote of their own."""

from pathlib import Path
from typing import Any, Self

from aggregator.config.settings import Config
from aggregator.copies.schedule import CopyFailure, copy_now
from tests.support.ledger.world import BOOKS, DAY, World
from tests.support.repos import RepoWriter, decision_line, money_line, segment_path, usage_line


class CopyWorld(World):
    """A world with a copy remote.

    Args:
        folder: everything lies below it.
        copy: the `[copy]` table; its `url` is that of `copies` unless told.

    Attributes:
        copies: the copy remote.
    """

    def __init__(self, folder: Path, copy: dict[str, str] | None = None, **settings: int) -> None:
        super().__init__(folder, **settings)
        self.copies = RepoWriter(folder / "elsewhere" / "copies.git")
        self.copy_table = {"url": self.copies.url} | (copy or {})

    def copied_to(self, folder: Path) -> Self:
        """The same world in another folder, with a copy remote of its own."""
        made = super().copied_to(folder)
        made.copies = self.copies.copied_to(folder / self.copies.path.relative_to(self.folder))
        is_on_disk = self.copy_table["url"] == self.copies.url
        made.copy_table = self.copy_table | ({"url": made.copies.url} if is_on_disk else {})
        return made

    @property
    def config(self) -> Config:
        """The configuration as it is now."""
        named: dict[str, Any] = {"copy": self.copy_table}
        return Config.model_validate({**super().config.model_dump(by_alias=True), **named})

    def config_values(self) -> dict[str, Any]:
        """What the configuration file says."""
        return {**super().config_values(), "copy": self.copy_table}

    def copy(self) -> dict[str, CopyFailure]:
        """What happens after a pull; what went wrong, by the repo's name."""
        with self.ledger() as ledger:
            return dict(copy_now(self.state, ledger.store, lambda: self.now))

    def copied(self) -> dict[str, str]:
        """Ref to commit at the copy remote, without `refs/accepted/`."""
        references = self.copies.repo.references
        return {
            name.removeprefix("refs/accepted/"): str(references[name].target) for name in references
        }


def tell_a_little(world: World) -> None:
    """Prices, a payment, and usage of two nodes."""
    world.rules()
    world.pay(money_line())
    world.usage(usage_line(seq=1), usage_line(seq=2))
    world.usage(usage_line(node="node-2", user="bob"), repo="node-2")


def tell_with_rewrite(made: World) -> World:
    """Tell of books and two nodes, one of which is billed over a rewritten history too."""
    tell_a_little(made)
    made.pull()
    lines = b"".join((usage_line(seq=1), usage_line(seq=2)))
    tip = made.repo("node-1").orphan({segment_path(DAY, 1): lines, "note": b"new"})
    line = decision_line(kind="accept_tip", repo="node-1", tip=tip, seq=2)
    made.repo(BOOKS).commit({segment_path(DAY, 2, folder="decisions"): line})
    made.pull()
    assert made.state.mirrors.accepted_tips()["node-1"].kept
    return made
