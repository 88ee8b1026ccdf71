"""Making the books: a home whose repo starts with a rule book."""

from datetime import datetime
from typing import Final

from books.rule_book.change import check_act
from books.rule_book.rule_changes import Act, build_rules_message, changes
from books.rule_book.rules import parse_rules
from node_pusher.home.home import Home
from node_pusher.home.settings_file import read_home
from node_pusher.joining.init import InitReport
from node_pusher.joining.init import init as make_home
from node_pusher.joining.trust import OWN_KEYS_ONLY, Vouched
from node_pusher.sending.commit import locked_repo
from node_pusher.sending.readme import README_PATH
from wire_format.rule_book import (
    DEFAULT_DISCOUNTS,
    DISCOUNTS_PATH,
    RULE_PATHS,
    RuleBook,
    RuleBookFiles,
)
from wire_format.rule_files.prices_file import PRICES_PATH

EMPTY_PRICES: Final = """\
# The price book. A resource without a price is charged nothing, shown as unpriced, and billed once
# a price for its hour is here. Try a change first: `aggregator reprice prices.toml`.
#
# resource    as in the usage lines
# usd         dollars for `per` units, in quotes
# per         how many units the price is for
# from        first clock hour it is in force, UTC; it holds until a later price of the resource
# applies_to  hero_os_hourly, llm or vm: binds the price to that category; required under vm/
#
# [[price]]
# resource = "vm/small/seconds"
# usd = "0.04"
# per = 3600
# from = 2026-01-01T00:00:00Z
# applies_to = "vm"
"""


NO_DISCOUNTS: Final = """\
# The discount ladder: there is none, so everybody pays list prices.
"""


def init_books(
    wanted: Home,
    now: datetime,
    by: str,
    *,
    rejoin: bool = False,
    vouched: Vouched = OWN_KEYS_ONLY,
    discounts: str = DEFAULT_DISCOUNTS,
) -> tuple[InitReport, RuleBook | None]:
    """Make a home for the books, or check an existing one, and start the rule book.

    A remote with a rule file keeps it. Rule files of a joined repo are fetched, so that later
    commands need no remote.

    Args:
        wanted: folder, node and remote.
        now: the time of a first commit.
        by: who starts the rule book.
        rejoin: see `node_pusher.joining.init.init`.
        vouched: see `node_pusher.joining.init.init`.
        discounts: the discount ladder of a new rule book, as `discounts.toml` states it.

    Returns:
        what `init` did, and the rule book if one was committed.

    Raises:
        HomeError, RemoteError, BusyError: see `node_pusher.joining.init.init`.
    """
    act = Act(by)
    if by:
        check_act(act)
    report = make_home(wanted, now, rejoin=rejoin, vouched=vouched)
    home = read_home(wanted.path)
    with locked_repo(home) as repo:
        present = [path for path in RULE_PATHS if repo.read_file(path) is not None]
        if present:
            return report, None
        files = RuleBookFiles(EMPTY_PRICES.encode(), discounts.encode())
        book = parse_rules(files)
        added = {PRICES_PATH: files.prices_toml or b"", DISCOUNTS_PATH: files.discounts_toml or b""}
        if not repo.has_path(README_PATH):
            added[README_PATH] = _readme(home.node)
        found = changes(parse_rules(RuleBookFiles(b"", b"")), book)
        message = build_rules_message(home.node, ["rules/start.toml"], found, files.sha256, act)
        repo.commit(added, message, now)
    return report, book


def _readme(node: str) -> bytes:
    return f"""\
# Books of `{node}`

Payments, grants, refunds and corrections (`payments/`) and what was decided about lines, histories
and incidents (`decisions/`), both one JSON object a line, added and never changed; and the rule
book that usage is charged by (`rules/`, changed by commits).

    git log                                              # what happened, when, in total
    git log --format='%h %cs %(trailers:key=Rule-Book)' -- rules
    git log -p -- rules/prices.toml                      # every change of a price
    git grep '"user":"alice"' -- payments                # one user's money lines
    git log -p -- decisions                              # who decided what, when and why
""".encode()
