"""A refund gives back a payment: find that payment and check that the refund fits it.

The aggregator holds a refund that names no counted payment of the same user. A wrong number is
better noticed while the person who typed it is still there.
"""

from dataclasses import replace
from typing import Final

from books.money import MoneyError, Movement
from node_pusher.home import Home
from node_pusher.ledger_repo import LedgerRepo
from node_pusher.seal import Span
from node_pusher.spool import Spool
from wire_format.agreement import CURRENCY_DEFAULT
from wire_format.lines import Folder, Money, Provider
from wire_format.money import InvalidAmountError, parse_nano
from wire_format.paths import InvalidPathError, parse_path
from wire_format.segment import decode_segment

_HINT: Final = "`books log` and `git show` in the books' repo list payments with their seq"


def fit_payment(
    refund: Movement, payment: Money | None, provider: Provider | None, currency: str | None
) -> Movement:
    """The refund with the payment's provider and currency where it states none.

    Args:
        refund: names the payment in `refers_to`.
        payment: the line with that number, or None when there is none.
        provider: what the operator says, or None.
        currency: likewise.

    Raises:
        MoneyError: there is no such payment of that user, or it is smaller than the refund.
    """
    seq = refund.refers_to
    if payment is None:
        raise MoneyError(f"no line of these books has seq {seq}", hint=_HINT)
    if payment.kind != "payment":
        raise MoneyError(f"seq {seq} is not a payment but a {payment.kind}", hint=_HINT)
    if payment.user != refund.user:
        raise MoneyError(f"seq {seq} is a payment of {payment.user}, not of {refund.user}")
    if payment.status != "succeeded":
        raise MoneyError(f"seq {seq} is a payment that is {payment.status}: it moved no money")
    fitted = replace(
        refund,
        provider=provider or payment.provider,
        currency=currency or payment.currency,
    )
    for what, asked, given in _comparable(fitted, payment):
        if parse_nano(asked) > parse_nano(given):
            raise MoneyError(f"the refund of {asked} {what} is more than the payment of {given}")
    return fitted


def _comparable(refund: Movement, payment: Money) -> list[tuple[str, str, str]]:
    """Amounts of both in the same currency."""
    pairs = []
    if refund.currency == payment.currency:
        pairs.append((refund.currency, refund.amount, payment.amount))
    if refund.credited_usd is not None or refund.currency == CURRENCY_DEFAULT:
        gets_back = refund.credited_usd or refund.amount
        pairs.append((CURRENCY_DEFAULT, gets_back, payment.credited_usd or payment.amount))
    return [pair for pair in pairs if _is_amount(pair[1])]


def _is_amount(text: str) -> bool:
    try:
        parse_nano(text)
    except InvalidAmountError:
        return False  # said with everything else that is malformed
    return True


def find_line(home: Home, spool: Spool, seq: int) -> Money | None:
    """The money line with this number, from the spool or from the newest commit.

    Raises:
        RemoteError: the home was joined without file contents, and the remote does not give the
            one that is needed.
    """
    waiting = spool.store.lines(Span(seq, seq)) if seq >= 1 else b""
    for line in decode_segment(waiting, Folder.PAYMENTS).records:
        if isinstance(line, Money):
            return line
    repo = LedgerRepo(home)
    if repo.tip is None:
        return None
    for path in _candidates(repo, repo.tip, seq):
        for line in decode_segment(repo.read_file(path) or b"", Folder.PAYMENTS).records:
            if line.seq == seq and isinstance(line, Money):
                return line
    return None


def _candidates(repo: LedgerRepo, commit: str, seq: int) -> list[str]:
    """The segments that begin nearest below `seq`: more than one only after a rejoin."""
    starts: dict[int, list[str]] = {}
    for path, _ in repo.paths(commit):
        try:
            found = parse_path(path)
        except InvalidPathError:
            continue
        if found.folder is Folder.PAYMENTS and found.first_seq <= seq:
            starts.setdefault(found.first_seq, []).append(path)
    return starts[max(starts)] if starts else []
