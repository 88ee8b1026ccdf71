"""Each line goes to the folder that it was recorded for, and the message counts what is in it."""

from datetime import timedelta

from node_pusher import Spool
from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.commit import commit_unsent
from node_pusher.sending.totals import Totals
from tests.node_pusher.conftest import NODE, START, FixedClock
from tests.node_pusher.drafts import account_draft, attempt_draft
from wire_format.lines import Folder
from wire_format.segment import decode_segment

NOW = START + timedelta(minutes=1)
PENDING = attempt_draft("pending", amount="20.00", currency="USD")
ENDED = attempt_draft("ended", reason="card_declined")
OPENED = account_draft("open")


def test_account_lines_are_committed_under_accounts(home: Home, clock: FixedClock) -> None:
    spool = Spool.open(home.path, clock=clock)
    spool.append(Folder.PAYMENTS, [PENDING, ENDED])
    spool.append(Folder.ACCOUNTS, [OPENED, OPENED])
    repo = LedgerRepo(home.repo)
    money, accounts = commit_unsent(spool.store, repo, NOW).commits
    (of_money,), (of_accounts,) = repo.segments_of(money), repo.segments_of(accounts)
    assert (of_money.folder, of_accounts.folder) == (Folder.PAYMENTS, Folder.ACCOUNTS)
    records = decode_segment(of_accounts.data, Folder.ACCOUNTS).records
    assert [record.seq for record in records] == [3, 4]
    message = next(repo.history()).message
    assert message.startswith(f"accounts: {NODE} seq 3..4 (2 records)\n\nopen  2 in 2 records\n")


def test_what_has_no_amount_is_counted() -> None:
    totals = Totals()
    totals.add([PENDING, ENDED, ENDED, OPENED])
    assert [(total.name, total.amount, total.records) for total in totals.totals()] == [
        ("ended", "2", 2),
        ("open", "1", 1),
        ("pending USD", "20.00", 1),
    ]
