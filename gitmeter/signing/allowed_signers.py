"""The keys that may sign, in OpenSSH's `allowed_signers` format, judged by the caller's clock.

One key a line (see ALLOWED SIGNERS in ssh-keygen(1)):

    embedder-01 namespaces="git",valid-after="20260101Z" ssh-ed25519 AAAAC3... comment

Parsing is strict: what OpenSSH understands and this module does not (certificate authorities, RSA
and hardware keys, times without `Z`) is an error with its line number, never ignored. A time
without `Z` is local time for OpenSSH, so it would mean another instant on each machine.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from gitmeter.signing.keys import InvalidKeyError, PublicKey, read_public_key
from gitmeter.signing.patterns import matches_list
from gitmeter.signing.sshsig import NAMESPACE
from gitmeter.support.errors import GitmeterError

_FIELD: Final = re.compile(r'"([^"]*)"|([^\s"]+)')
_OPTION: Final = re.compile(r'([A-Za-z-]+)(?:="([^"]*)")?(?:,(?=[^\s,])|(?=\s))')
_BLANK: Final = " \t\r"
_OPTIONS: Final = ("namespaces", "valid-after", "valid-before")
_TIMES: Final = {9: "%Y%m%dZ", 13: "%Y%m%d%H%MZ", 15: "%Y%m%d%H%M%SZ"}


class AllowedSignersError(GitmeterError):
    """Allowed signers that cannot be used; the message names file and line."""


class Permission(StrEnum):
    """Whether a key may sign, and if not, why."""

    ALLOWED = "allowed"
    UNKNOWN_KEY = "unknown key"
    OTHER_PRINCIPAL = "key of another principal"
    NOT_YET_VALID = "not yet valid"
    NO_LONGER_VALID = "no longer valid"


@dataclass(frozen=True)
class Entry:
    """One line: a key, the names that it may sign for, and when.

    Attributes:
        principals: comma-separated patterns of names as in ssh_config(5): `*`, `?`, `!` to exclude.
        key: the public key.
        namespaces: comma-separated patterns of uses; None for any use.
        valid_after: start of validity, inclusive; None for no start.
        valid_before: end of validity, inclusive as in OpenSSH; None for no end.
    """

    principals: str
    key: PublicKey
    namespaces: str | None = None
    valid_after: datetime | None = None
    valid_before: datetime | None = None

    def signs_commits(self) -> bool:
        """Whether the key may sign for git at all."""
        return self.namespaces is None or matches_list(NAMESPACE, self.namespaces)

    def permission(self, now: datetime) -> Permission:
        """Whether the key is valid at an instant."""
        if self.valid_after is not None and now < self.valid_after:
            return Permission.NOT_YET_VALID
        if self.valid_before is not None and now > self.valid_before:
            return Permission.NO_LONGER_VALID
        return Permission.ALLOWED


@dataclass(frozen=True)
class AllowedSigners:
    """The keys that may sign.

    Attributes:
        entries: in the order of the file.
    """

    entries: tuple[Entry, ...] = ()

    def __add__(self, other: "AllowedSigners") -> "AllowedSigners":
        return AllowedSigners(self.entries + other.entries)


def find_signer(
    allowed: AllowedSigners, principal: str, key: PublicKey, now: datetime
) -> Permission:
    """Whether a key may sign a commit in a principal's name now.

    A key may appear in several lines: one that allows it is enough. Where none does, a line that
    becomes valid later takes precedence over one that has expired.
    """
    lines = [entry for entry in allowed.entries if entry.key == key and entry.signs_commits()]
    if not lines:
        return Permission.UNKNOWN_KEY
    found = {entry.permission(now) for entry in lines if matches_list(principal, entry.principals)}
    order = (Permission.ALLOWED, Permission.NOT_YET_VALID, Permission.NO_LONGER_VALID)
    return next((each for each in order if each in found), Permission.OTHER_PRINCIPAL)


def load_allowed_signers(path: Path | None) -> AllowedSigners:
    """Read a file of allowed signers; None for no file, and so no keys.

    Raises:
        AllowedSignersError: the file cannot be read, or a line is invalid.
    """
    if path is None:
        return AllowedSigners()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AllowedSignersError(f"the allowed signers cannot be read: {path}: {error}") from error
    return parse_allowed_signers(text, str(path))


def parse_allowed_signers(text: str, source: str) -> AllowedSigners:
    """Parse allowed signers.

    Args:
        text: lines; empty ones and comments (`#`) are skipped.
        source: names the text in errors: its path, or its place in a configuration.

    Raises:
        AllowedSignersError: a line is invalid, or uses what is not supported here.
    """
    entries = []
    for line_no, line in enumerate(text.split("\n"), start=1):
        stated = line.strip(_BLANK)
        if not stated or stated.startswith("#"):
            continue
        try:
            entries.append(_entry(stated))
        except ValueError as error:
            raise AllowedSignersError(
                f"{source}, line {line_no}: {error}",
                hint='a line is: <names> namespaces="git" ssh-ed25519 <key>, as printed by'
                " `node-pusher show-key`",
            ) from error
    return AllowedSigners(tuple(entries))


def format_entry(principals: str, key: PublicKey) -> str:
    """The line that allows a key to sign commits without a time limit; no newline."""
    return f'{principals} namespaces="{NAMESPACE}" {key.line}'


def _entry(line: str) -> Entry:
    match = _FIELD.match(line)
    if match is None:
        raise InvalidKeyError('there is no name before the key, or its " is not closed')
    principals = match[1] if match[1] is not None else match[2]
    rest = line[match.end() :]
    if not rest.startswith((" ", "\t")):
        raise InvalidKeyError("there is no key after the names")
    if not all(pattern.removeprefix("!") for pattern in principals.split(",")):
        raise InvalidKeyError("one of the names is empty")
    options, rest = _options(rest.lstrip(_BLANK))
    words = rest.split(maxsplit=2)
    if len(words) < 2:  # noqa: PLR2004 - its kind and the key itself
        raise InvalidKeyError("there is no key after the names")
    key = read_public_key(words[0], words[1])
    namespaces = options.get("namespaces")
    after, before = (_instant(name, options.get(name)) for name in _OPTIONS[1:])
    if after is not None and before is not None and before <= after:
        raise InvalidKeyError("valid-before is not later than valid-after")
    return Entry(principals, key, namespaces, after, before)


def _options(text: str) -> tuple[dict[str, str], str]:
    """The options, and the text after them."""
    word = next(iter(text.split(maxsplit=1)), "")
    if not ("=" in word or "," in word or word.lower() == "cert-authority"):
        return {}, text
    options: dict[str, str] = {}
    at = 0
    while at < len(text) and text[at] not in _BLANK:
        match = _OPTION.match(text, at)
        if match is None:
            raise InvalidKeyError('its options are not name="value", by comma')
        name = match[1].lower()
        if name == "cert-authority":
            raise InvalidKeyError("certificate authorities are not supported: list each key")
        if name not in _OPTIONS or match[2] is None:
            raise InvalidKeyError(f"unknown option: {match[0].rstrip(',')!r}")
        if name in options:
            raise InvalidKeyError(f"{name} is given twice")
        options[name] = match[2]
        at = match.end()
    return options, text[at:].lstrip(_BLANK)


def _instant(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    form = _TIMES.get(len(text))
    if form is None or re.fullmatch(r"[0-9]+Z", text) is None:
        raise InvalidKeyError(
            f"{name} must be a time in UTC, YYYYMMDDZ or YYYYMMDDHHMM[SS]Z with the Z, not {text!r}"
        )
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidKeyError(f"{name}: there is no such time: {text!r}") from None
