"""What `till doctor` looks at beside the home: accounts, keys, events, sweeps and what fails."""

import stat
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from gitmeter.support.errors import GitmeterError
from gitmeter.support.terminal import counted, pasted
from node_pusher.doctor.clocks import compare_clocks, date_of
from node_pusher.doctor.findings import Finding, in_words, ok, problem, warning
from providers.interface import Ability, Mode
from till.config.accounts import TillAccount, account_url
from till.config.tables import AccountTable, TillConfig
from till.examining.waiting import check_waiting
from till.intake.till import Till

_SWEEP_LATE: Final = timedelta(days=2)
_SWEEP_TOO_LATE: Final = timedelta(days=7)
_TIMEOUT_S: Final = 15
_TOO_OPEN: Final = stat.S_IRWXG | stat.S_IRWXO


def check_files(config: TillConfig) -> Iterator[Finding]:
    """The files of keys and secrets, whether they can be used or not."""
    files = [file for account in config.account for file in _files(account)]
    if config.hint is not None:
        files.append(config.hint.secret_file)
    if config.charge is not None:
        files.append(config.charge.secret_file)
    open_to_others = []
    for file in files:
        try:
            mode = file.stat().st_mode
        except OSError as error:
            yield problem("files", f"{file}: {error.strerror}", "write it, or correct till.toml")
            continue
        if mode & _TOO_OPEN:
            open_to_others.append(file)
    for file in open_to_others:
        yield warning("files", f"others may use {file}", pasted("chmod", "600", str(file)))
    if not open_to_others:
        yield ok("files", f"{counted(len(files), 'file')} of keys and secrets")


def examine_till(till: Till) -> Iterator[Finding]:
    """Everything of an open till that its home knows nothing of."""
    now = till.clock()
    if till.config.mode == "test":
        yield warning("mode", "this till is in test mode: no money is real", "set mode to live")
    for account in till.accounts.by_name.values():
        yield from _tried(account, lambda: _check_key(till, account))  # noqa: B023 - used at once
        yield from _check_clock(account, till.config.mode, till.clock())
        if till.config.charge is None:  # one that charges takes no payments in
            yield _check_events(till, account)
            yield _check_sweep(till, account, now)
    yield from _check_failing(till)
    yield check_waiting(till)


def _files(account: AccountTable) -> Iterator[Path]:
    yield account.key_file
    yield from account.secret_files
    yield from filter(None, (account.refund_key_file, account.tag_key_file))


def _tried(account: TillAccount, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except GitmeterError as error:
        yield problem("account", f"{account.name}: {error}", error.hint or "see what it says")


def _check_key(till: Till, account: TillAccount) -> Iterator[Finding]:
    with account.provider() as provider:
        found = provider.whose()
    name = account.name
    if found.account != account.table.account:
        says = f"{name}: the key is of {found.account}, not of {account.table.account}"
        yield problem("account", says, "give it the key of its own account")
    elif found.mode != till.config.mode:
        says = f"{name}: the key is for {found.mode} mode, and this till is in {till.config.mode}"
        yield problem("account", says, "give it a key of its own mode")
    else:
        yield ok("account", f"{name}: a key of {found.account} in {found.mode} mode")
    saves_cards = account.keeps_cards and till.config.cards is not None
    if saves_cards and "cards" not in found.can:
        says = f"{name}: its key may not keep cards, and [cards] says that customers may save them"
        yield problem("account", says, "let it write customers and payment methods")
    needless = sorted(_needless(account, saves_cards=saves_cards) & set(found.can))
    if needless:
        says = f"{name}: the key of hooks and sweeps can also {' and '.join(needless)}"
        yield warning("account", says, "make a restricted key for it, without that right")


def _needless(account: TillAccount, *, saves_cards: bool) -> set[Ability]:
    """What the key of hooks, checkouts and sweeps has no use for."""
    if account.table.refund_key_file is not None:
        return {"charge", "refund"}
    return {"charge"} if saves_cards else set()


def _check_clock(account: TillAccount, mode: Mode, now: datetime) -> Iterator[Finding]:
    """This machine's clock against the provider's: its signatures have a time in them."""
    try:
        theirs = date_of(account_url(account.table, mode), _TIMEOUT_S)
    except GitmeterError:
        return  # the check of the key says what is wrong
    if theirs is not None:
        name = account.name
        yield from compare_clocks(
            now - theirs, name, ", whose events are refused", f"that of {name}"
        )


def _check_events(till: Till, account: TillAccount) -> Finding:
    last = till.marks.times(account.name).event_at
    where = f"{till.config.listen.public}, path /hooks/{account.name}"
    if last is None:
        return warning(
            "events",
            f"{account.name}: no event ever came",
            f"have the provider post its events to the public address that leads to {where}",
        )
    return ok("events", f"{account.name}: the last event came {in_words(till.clock() - last)} ago")


def _check_sweep(till: Till, account: TillAccount, now: datetime) -> Finding:
    last = till.marks.times(account.name).swept_at
    if last is None:
        return problem("sweep", f"{account.name}: never swept", "run `till sweep` daily: a timer")
    says = f"{account.name}: the last complete sweep began {in_words(now - last)} ago"
    if now - last > _SWEEP_TOO_LATE:
        return problem("sweep", says, "run `till sweep` and see what it says")
    if now - last > _SWEEP_LATE:
        return warning("sweep", says, "look whether its timer runs")
    return ok("sweep", says)


def _check_failing(till: Till) -> Iterator[Finding]:
    for each in till.marks.failing():
        says = f"{each.provider} {each.object}: failed {counted(each.times, 'time')}: {each.error}"
        tell = problem if each.is_incident else warning
        yield tell("failing", says, "`till sweep` asks about it again")
    for fault in till.marks.faults():
        says = f"{fault.provider} {fault.ref}: {fault.what}"
        do = "look at it; `books pay --by-hand` decides an undecided payment, and"
        yield problem("faults", says, f"{do} `till acknowledge` says that you have seen it")
