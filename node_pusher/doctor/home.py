"""What `doctor` checks in the home itself: settings, spool, disk, lock, key."""

import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.roles.role import FACES_STRANGERS
from gitmeter.signing.allowed_signers import Permission, find_signer
from gitmeter.support.owner import wrong_user
from gitmeter.support.terminal import counted
from node_pusher.doctor.findings import Examination, Finding, in_words, ok, problem, warning
from node_pusher.home.layout import OWNER_HINT, is_shared, key_file, lock_file
from node_pusher.home.own_key import load_own_key, own_signers
from node_pusher.sending.failed_push import read_failed
from node_pusher.spool.file.inspection import SpoolFacts, inspect_spool
from node_pusher.spool.store import Store
from wire_format.instants import format_ts, from_us

LATE_WARNING: Final = timedelta(hours=3)
LATE_PROBLEM: Final = timedelta(hours=24)
"""How long records may wait to be pushed: the timer pushes every hour."""

LOCK_HELD_LONG: Final = timedelta(hours=1)
"""A push may take 30 minutes and packing 10."""

FREE_BYTES_WARNING: Final = 512 * 1024 * 1024
FREE_BYTES_PROBLEM: Final = 32 * 1024 * 1024
FREE_FILES_WARNING: Final = 10_000
FREE_FILES_PROBLEM: Final = 500
_MEBIBYTE: Final = 1024 * 1024
_QUICK_CHECK_S: Final = 10
_LOOK: Final = "see what the other checks say, then `push`"


def check_settings(examination: Examination) -> Iterator[Finding]:
    """Which node's home it is, and whether it is this user's."""
    home = examination.home
    found = examination.path.stat()
    if found.st_mode & stat.S_IWOTH:
        yield problem(
            "settings",
            f"every user of this machine may write to {examination.path}, and so bill any account",
            f"chmod o-w {examination.path}",
        )
    elif found.st_uid != os.geteuid():
        yield warning(
            "settings",
            f"{examination.path} belongs to user {found.st_uid}, and this runs as {os.geteuid()}",
            wrong_user(examination.path).hint if os.geteuid() == 0 else OWNER_HINT,
        )
    else:
        group = "; its group records here too" if is_shared(examination.path) else ""
        yield ok(
            "settings", f"{home.node} pushes {home.repo.branch} to {home.repo.remote.url}{group}"
        )


def check_spool(examination: Examination) -> Iterator[Finding]:
    """Whether the spool is sound, and records wait too long.

    Raises:
        HomeError, SpoolError: the spool cannot be used.
    """
    Store.open(examination.home.spool_file, examination.home.node).close()
    facts = inspect_spool(examination.home.spool_file, _QUICK_CHECK_S)
    what = f"{counted(facts.records, 'record')} not known to be on the remote"
    if facts.damage:
        yield problem(
            "spool",
            f"spool.db is damaged: {facts.damage}",
            "push what can be pushed; then keep a copy, remove spool.db with its -wal and -shm,"
            " and run `init` again: it continues in a new epoch",
        )
    elif facts.damage is None:
        yield warning("spool", f"{what}; too large to be checked in full", "`push`")
    else:
        yield ok("spool", f"sound; {what}; the next one is seq {facts.next_seq}")
    yield _sent(examination, facts)


def _sent(examination: Examination, facts: SpoolFacts) -> Finding:
    """Whether records have waited for longer than the interval of pushes."""
    pushed = None if facts.last_push_us is None else from_us(facts.last_push_us)
    last = "there was no push yet" if pushed is None else f"the last push was {format_ts(pushed)}"
    if facts.first_ts_us is None:
        is_regular = examination.home.settings.role not in FACES_STRANGERS
        if is_regular and pushed is not None and examination.now - pushed > LATE_PROBLEM:
            since = in_words(examination.now - pushed)
            return warning("sent", f"nothing waits, but the last push was {since} ago", _LOOK)
        return ok("sent", f"nothing waits; {last}")
    oldest = from_us(facts.first_ts_us)  # everything recorded before the last push was pushed
    waiting = examination.now - (oldest if pushed is None else max(oldest, pushed))
    says = f"records have waited {in_words(waiting)}, the oldest of {format_ts(oldest)}; {last}"
    if waiting > LATE_PROBLEM:
        return problem("sent", says, _LOOK)
    if waiting > LATE_WARNING:
        return warning("sent", says, _LOOK)
    return ok("sent", f"{counted(facts.records, 'record')} for the next push; {last}")


def check_push(examination: Examination) -> Iterator[Finding]:
    """Whether the last push went well; the other checks try none.

    Raises:
        HomeError: why it failed cannot be read.
    """
    failed = read_failed(examination.path)
    if failed is None:
        yield ok("push", "none has failed since the last one that went well")
        return
    judged = warning if failed.retry else problem
    yield judged(
        "push", f"the one of {format_ts(failed.at)} failed: {failed.says}", failed.do or _LOOK
    )


def check_disk(examination: Examination) -> Iterator[Finding]:
    """Whether there is room for records and commits."""
    disk = os.statvfs(examination.path)
    free_bytes = disk.f_bavail * disk.f_frsize
    has_file_limit = disk.f_files > 0  # not on btrfs
    says = f"{free_bytes // _MEBIBYTE} MiB free"
    says += f", room for {disk.f_favail} files" if has_file_limit else ""
    do = f"make room on the disk of {examination.path}: when it is full, records are refused"
    if disk.f_flag & os.ST_RDONLY:
        yield problem("disk", f"{examination.path} is mounted read-only", "mount it for writing")
    elif free_bytes < FREE_BYTES_PROBLEM or (has_file_limit and disk.f_favail < FREE_FILES_PROBLEM):
        yield problem("disk", says, do)
    elif free_bytes < FREE_BYTES_WARNING or (has_file_limit and disk.f_favail < FREE_FILES_WARNING):
        yield warning("disk", says, do)
    else:
        yield ok("disk", says)


class _Holder(NamedTuple):
    """A process that holds a lock.

    Attributes:
        pid: its process id.
        command: its command line; empty if it is not visible.
        age: how long it has been running; None if that is not visible.
    """

    pid: int
    command: str
    age: timedelta | None


def check_lock(examination: Examination) -> Iterator[Finding]:
    """Which process commits or pushes now, and which locks dead ones left behind."""
    holder = _holder(lock_file(examination.path))
    repo = examination.home.repo.path
    stale = [file.name for file in (*repo.glob("*.lock"), *(repo / "refs").rglob("*.lock"))]
    if holder is not None:
        age = "" if holder.age is None else f", started {in_words(holder.age)} ago"
        says = f"process {holder.pid} commits or pushes now: {holder.command}{age}"
        if holder.age is not None and holder.age > LOCK_HELD_LONG:
            yield problem("lock", says, f"if it hangs: kill {holder.pid}; nothing is lost by it")
        else:
            yield ok("lock", says)
    elif stale:
        yield warning(
            "lock",
            f"a process that died left {', '.join(sorted(stale))}",
            "nothing: the next `push` removes what is stale",
        )
    else:
        yield ok("lock", "free")


def _holder(file: Path) -> _Holder | None:
    """The holder of the lock by the kernel's list: trying to lock it could make a push fail."""
    try:
        inode = file.stat().st_ino
        listed = Path("/proc/locks").read_text()
    except FileNotFoundError:
        return None
    for line in listed.splitlines():
        words = line.split()
        if "FLOCK" in words and "->" not in words and words[-3].endswith(f":{inode}"):
            return _process(int(words[-4]))
    return None


def _process(pid: int) -> _Holder:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").strip()
        started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        up_s = float(Path("/proc/uptime").read_text().split()[0])
    except OSError:
        return _Holder(pid, "", None)
    age_s = up_s - started / os.sysconf("SC_CLK_TCK")
    return _Holder(pid, command.decode(errors="replace"), timedelta(seconds=age_s))


def check_key(examination: Examination) -> Iterator[Finding]:
    """Whether commits can be signed, and are accepted as this home's own.

    Raises:
        HomeError, SigningKeyError, AllowedSignersError: there is no key, or it cannot be used.
    """
    key = load_own_key(examination.path).public
    allowed = find_signer(
        own_signers(examination.path), examination.home.node, key, examination.now
    )
    if allowed is Permission.ALLOWED:
        yield ok("key", f"signs with {key.fingerprint}")
    else:
        yield problem(
            "key",
            f"{key_file(examination.path)} is, by this home's own allowed_signers, {allowed}",
            "the next `push` adds it; if it was closed there on purpose: rotate-key",
        )
