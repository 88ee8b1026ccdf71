"""Tills in a folder of a test: a home on a bare repo, a configuration, and a world to ask."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from gitmeter.git_remote.remote import Remote
from node_pusher.home.home import Home, new_home
from node_pusher.home.settings_file import read_home
from node_pusher.joining.init import init
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.earlier_lines import spooled_lines
from node_pusher.spool.store import Store
from providers.tag import Promise, make_tag
from tests.support.files import write_secret
from tests.support.repos import bare_repo
from tests.till.world import World
from till.config.tables import TillConfig
from till.intake.till import Till, open_till
from wire_format.instants import parse_ts
from wire_format.lines import Account, Folder, Line, Money
from wire_format.segment import decode_segment

START: Final = parse_ts("2026-11-21T13:05:00Z")
TAG_KEY: Final = "t" * 32
ACCOUNT: Final = "world-test"
NODE: Final = "till-1"


class TillPlace:
    """A till whose provider is a world.

    Attributes:
        world: what is true.
        home: the folder of the till.
        remote: its bare repo.
        config: what the operator says.
    """

    def __init__(self, folder: Path, world: World | None = None, **config: Any) -> None:  # noqa: ANN401
        self.world = world or World(START)
        self.folder = folder
        self.home = folder / "home"
        self.remote = bare_repo(folder / "till-1.git")
        init(new_home(self.home, NODE, Remote(self.remote.as_uri()), role="till"), START)
        self.config = TillConfig.model_validate(self.stated() | config)

    def stated(self) -> dict[str, Any]:
        """The configuration as a table."""
        key = write_secret(self.folder / "key", "k" * 32)
        secret = write_secret(self.folder / "secret", "s" * 32)
        account: dict[str, Any] = {
            "name": ACCOUNT,
            "kind": "stripe" if self.world.is_tagged else "clickpesa",
            "account": "acct_1",
            "key_file": key,
            "refund_key_file": key,
            "secret_files": [secret],
            "currencies": ["USD", "EUR", "TZS"],
        }
        if self.world.is_tagged:
            account["tag_key_file"] = write_secret(self.folder / "tag_key", TAG_KEY)
        return {
            "home": self.home,
            "mode": self.world.mode,
            "return_urls": ["https://portal.example/"],
            "account": [account],
            "rate": [
                {"currency": "EUR", "usd": "1.08", "at": START},
                {"currency": "TZS", "usd": "0.00038", "at": START},
            ],
        }

    @contextmanager
    def open(self) -> Iterator[Till]:
        """The till, by the clock of its world."""
        with open_till(
            self.config,
            self.home,
            lambda: self.world.now,
            lambda table, *_: self.world.open(table.name),
        ) as till:
            yield till

    def tag(self, user: str = "alice", amount: str = "20.00", **changed: Any) -> str:  # noqa: ANN401
        """A promise that this till has signed."""
        promise = Promise(user, amount, "USD", amount, self.world.now, f"{len(user):016x}")
        return make_tag(TAG_KEY.encode(), ACCOUNT, promise._replace(**changed))

    def lines(self) -> list[Money]:
        """Every line about money of the till, in the spool and in its repo, by number."""
        return lines_of(read_home(self.home))

    def consents(self) -> list[Account]:
        """Every line about accounts, which are consents alone."""
        return accounts_of(read_home(self.home))

    def pushed(self) -> list[Money]:
        """Every line on the remote."""
        repo = LedgerRepo(read_home(self.home).repo)
        return [line for line in self.lines() if line.seq in _seqs(repo, repo.pushed)]


def lines_of(home: Home) -> list[Money]:
    """Every line about money of a home, in the spool and in its repo, by number."""
    return [line for line in _all(home, Folder.PAYMENTS) if isinstance(line, Money)]


def accounts_of(home: Home) -> list[Account]:
    """Every line about accounts of a home, in the spool and in its repo, by number."""
    return [line for line in _all(home, Folder.ACCOUNTS) if isinstance(line, Account)]


def _all(home: Home, folder: Folder) -> list[Line]:
    found: dict[int, Line] = {}
    with Store.open(home.spool_file, home.node) as store:
        data = [*spooled_lines(store, folder)]
    repo = LedgerRepo(home.repo)
    for data_of in [*data, *_files(repo, repo.tip, folder)]:
        for line in decode_segment(data_of, folder).records:
            assert found.setdefault(line.seq, line) == line
    return [line for _, line in sorted(found.items())]


def _files(repo: LedgerRepo, commit: str | None, folder: Folder) -> list[bytes]:
    paths = () if commit is None else repo.paths(commit)
    return [repo.blob_here(blob) or b"" for path, blob in paths if path.startswith(f"{folder}/")]


def _seqs(repo: LedgerRepo, commit: str | None) -> set[int]:
    return {
        line.seq
        for folder in (Folder.PAYMENTS, Folder.ACCOUNTS)
        for data in _files(repo, commit, folder)
        for line in decode_segment(data, folder).records
    }


def content(lines: Sequence[Money | Account]) -> list[Mapping[str, object]]:
    """What lines say, whatever their number: sorted, so that sets can be compared."""
    said = [
        {name: getattr(line, name) for name in line.__struct_fields__ if name != "seq"}
        for line in lines
    ]
    return sorted(said, key=repr)
