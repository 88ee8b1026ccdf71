"""Generated lines: valid ones by construction, and ways to spoil them.

The bytes are put together here, without the product's encoders, so that they check them.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st

from wire_format.lines import Folder

INT_MAX: Final = 2**53 - 1
PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))
USER_CHARACTERS: Final = "".join(c for c in PRINTABLE if c not in ' "\\')
ID_CHARACTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
RESOURCE_CHARACTERS: Final = ID_CHARACTERS + "/@+"
LOWER: Final = "abcdefghijklmnopqrstuvwxyz0123456789"

Value = dict[str, Any]


def texts(alphabet: str, most: int, least: int = 1) -> st.SearchStrategy[str]:
    """Texts of up to `most` characters, the longest among them."""
    return st.text(alphabet, min_size=least, max_size=min(most, 12)) | st.builds(
        str.__mul__, st.sampled_from(alphabet), st.sampled_from([max(least, 1), most])
    )


def _ts(instant: datetime) -> str:
    return instant.isoformat() + "Z"


instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 12, 31, 23, 59, 59, 999999))  # noqa: DTZ001 - Z is added as text
utc_instants = instants.map(lambda instant: instant.replace(tzinfo=UTC))
timestamps = instants.map(_ts) | instants.map(lambda i: _ts(i.replace(microsecond=0)))
nodes = st.builds(str.__add__, st.sampled_from(LOWER), texts(LOWER + "-", 62, 0))
seqs = st.integers(1, INT_MAX) | st.sampled_from([2, 17, INT_MAX])
units = st.integers(0, INT_MAX) | st.sampled_from([0, 1, INT_MAX])
reasons = texts(PRINTABLE, 200)
metas = st.dictionaries(
    texts(LOWER + "_.", 40),
    st.integers(-INT_MAX, INT_MAX) | texts(PRINTABLE, 200, 0),
    min_size=1,
    max_size=16,
).map(lambda meta: dict(sorted(meta.items())))


@st.composite
def usage_values(draw: st.DrawFn) -> Value:
    """A valid usage line as a dict in key order."""
    seq = draw(seqs)
    optional: Value = {}
    amount = draw(units)
    if seq > 1 and draw(st.booleans()):
        optional = {"corrects": draw(st.integers(1, seq - 1)), "reason": draw(reasons)}
        amount *= draw(st.sampled_from([1, -1]))
    if draw(st.booleans()):
        optional["meta"] = draw(metas)
    value: Value = {
        "v": 1,
        "node": draw(nodes),
        "seq": seq,
        "ts": draw(timestamps),
        "user": draw(texts(USER_CHARACTERS, 256)),
        "resource": draw(texts(RESOURCE_CHARACTERS, 200)),
        "applies_to": draw(st.sampled_from(["llm", "vm", None])),
        "units": amount,
        "instance": draw(st.none() | texts(RESOURCE_CHARACTERS, 128)),
        "id": draw(st.none() | texts(ID_CHARACTERS, 64)),
        **optional,
    }
    return {key: item for key, item in value.items() if item is not None}


amounts = st.builds(
    str.__add__,
    st.integers(1, 999_999_999).map(str),
    st.just("") | st.text("0123456789", min_size=1, max_size=9).map(lambda digits: f".{digits}"),
)


@st.composite
def money_values(draw: st.DrawFn) -> Value:
    """A valid money line as a dict in key order."""
    seq = draw(seqs.filter(lambda seq: seq > 1))
    kind = draw(st.sampled_from(["payment", "refund", "grant", "adjustment"]))
    currency = draw(st.sampled_from(["USD", "EUR", "TZS"]))
    sign = draw(st.sampled_from(["", "-"])) if kind == "adjustment" else ""
    credited = currency != "USD" or draw(st.booleans())
    value: Value = {
        "v": 1,
        "node": draw(nodes),
        "seq": seq,
        "ts": draw(timestamps),
        "user": draw(texts(USER_CHARACTERS, 256)),
        "kind": kind,
        "provider": draw(st.sampled_from(["stripe", "clickpesa", "manual"])),
        "external_ref": draw(st.none() | texts(USER_CHARACTERS, 128)),
        "refers_to": draw(st.integers(1, seq - 1)) if kind == "refund" else None,
        "amount": sign + draw(amounts),
        "currency": currency,
        "credited_usd": sign + draw(amounts) if credited else None,
        "status": draw(st.sampled_from(["pending", "failed", "succeeded"])),
        "reason": draw(reasons if kind == "adjustment" else st.none() | reasons),
    }
    return {key: item for key, item in value.items() if item is not None}


REPO_CHARACTERS: Final = LOWER + ".-"
HEX: Final = "0123456789abcdef"


@st.composite
def decision_values(draw: st.DrawFn) -> Value:
    """A valid decision line as a dict in key order."""
    seq = draw(seqs.filter(lambda seq: seq > 1))
    of_seq = draw(seqs)
    repo = draw(st.builds(str.__add__, st.sampled_from(LOWER), texts(REPO_CHARACTERS, 79, 0)))
    of: Value = {"of": draw(nodes), "of_seq": of_seq}
    kinds: list[tuple[str, Value]] = [
        ("accept_tip", {"repo": repo, "tip": draw(st.text(HEX, min_size=40, max_size=40))}),
        ("exclude", of),
        ("exclude", of | {"to_seq": draw(st.integers(of_seq, INT_MAX))}),
        ("exclude", of | {"of_ts": draw(timestamps)}),
        (
            "choose",
            of
            | {
                "of_ts": draw(timestamps),
                "line_sha256": draw(st.text(HEX, min_size=64, max_size=64)),
            },
        ),
        (
            "acknowledge",
            {
                "repo": repo,
                "incident": draw(texts("abcxyz ", 40)),
                "subject": draw(texts(PRINTABLE, 200)),
            },
        ),
        ("withdraw", {"refers_to": draw(st.integers(1, seq - 1))}),
    ]
    kind, about = draw(st.sampled_from(kinds))
    return {
        "v": 1,
        "node": draw(nodes),
        "seq": seq,
        "ts": draw(timestamps),
        "kind": kind,
        **about,
        "by": draw(texts(PRINTABLE, 100)),
        "reason": draw(reasons),
    }


hours = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31, 23)).map(  # noqa: DTZ001 - Z is added as text
    lambda instant: _ts(instant.replace(minute=0, second=0, microsecond=0))
)
usd = st.sampled_from(["0", "0.00", "5.00", "999999999.999999999"]) | amounts
providers = st.builds(
    str.__add__, st.sampled_from(LOWER[:26]), texts(LOWER + "-", 31, 0)
) | st.just("stripe")
references = texts(USER_CHARACTERS, 128)
names = st.builds(str.__add__, st.sampled_from(LOWER[:26]), texts(LOWER + "_-", 31, 0))
users = texts(USER_CHARACTERS, 256)
globs = st.lists(texts(RESOURCE_CHARACTERS + "*", 200), min_size=1, max_size=16, unique=True).map(
    sorted
)
nothing = st.none()


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return nothing | strategy


@st.composite
def _terms(draw: st.DrawFn) -> Value:
    """`from` and, perhaps, a later `until`."""
    first, last = sorted(draw(st.lists(hours, min_size=2, max_size=2, unique=True)))
    return {"from": first, "until": draw(st.sampled_from([last, None]))}


_KEYS_2: Final = (
    *("v", "node", "seq", "ts", "user", "kind", "provider", "external_ref", "of_provider"),
    *("of_ref", "amount", "currency", "credited_usd", "status", "attempt", "category", "priority"),
    *("from", "until", "scope", "by", "reason"),
)


@st.composite
def money_2_values(draw: st.DrawFn) -> Value:
    """A valid money line of version 2 as a dict in key order."""
    currency = draw(st.sampled_from(["USD", "EUR", "TZS", "JPY"]))
    why = {"by": _maybe(texts(PRINTABLE, 100)), "reason": _maybe(reasons)}
    moved = {
        "user": users,
        "provider": providers,
        "external_ref": references,
        "amount": amounts,
        "currency": st.just(currency),
        "status": st.just("succeeded"),
    }
    credited = nothing if currency == "USD" else amounts
    back = {**moved, **why, "of_ref": references}
    own = {**moved, **why, "provider": st.just("manual"), "currency": st.just("USD")}
    attempt = {"user": users, "provider": providers, "attempt": references}
    bonus = draw(st.booleans())
    kinds: list[tuple[str, dict[str, st.SearchStrategy[Any]]]] = [
        ("payment", {**moved, **why, "credited_usd": credited, "attempt": _maybe(references)}),
        ("payment", {**moved, **why, "user": _maybe(users), "status": st.just("undecided")}),
        *((kind, back) for kind in ("refund", "dispute", "refund_reversal", "dispute_reversal")),
        (
            "pending",
            {
                **attempt,
                "amount": amounts,
                "currency": st.just(currency),
                "credited_usd": nothing if currency == "USD" else _maybe(amounts),
            },
        ),
        ("ended", {**attempt, "reason": reasons}),
        (
            "grant",
            {
                **own,
                "category": st.sampled_from(["promotional", "paid"]),
                "priority": st.integers(0, 1000),
                "scope": _maybe(globs),
                "of_provider": providers if bonus else nothing,
                "of_ref": references if bonus else nothing,
            },
        ),
        (
            "void",
            {
                "user": _maybe(users),
                "of_provider": providers,
                "of_ref": references,
                "from": hours,
                "by": _maybe(texts(PRINTABLE, 100)),
                "reason": reasons,
            },
        ),
        (
            "adjustment",
            {
                **own,
                "external_ref": _maybe(references),
                "amount": amounts | amounts.map("-{}".format),
                "reason": reasons,
            },
        ),
    ]
    kind, has = draw(st.sampled_from(kinds))
    value = {name: draw(strategy) for name, strategy in has.items()}
    value |= draw(_terms()) if kind == "grant" else {}
    value |= {"v": 2, "node": draw(nodes), "seq": draw(seqs), "ts": draw(timestamps), "kind": kind}
    return {key: value[key] for key in _KEYS_2 if value.get(key) is not None}


_ACCOUNT_KEYS: Final = (
    *("v", "node", "seq", "ts", "user", "kind", "plan", "instead_of", "from", "until", "fee_usd"),
    *("cap_usd", "next_plan", "auto_topup_usd", "auto_topup_below_usd", "auto_topup_month_usd"),
    *("amount_usd", "below_usd", "month_usd", "of_provider", "of_ref"),
    *("key_id", "sha256", "scopes", "rpm", "identity"),
    *("role", "limit_usd", "by", "reason"),
)


@st.composite
def account_values(draw: st.DrawFn) -> Value:
    """A valid line about an account as a dict in key order."""
    digest = draw(st.text(HEX, min_size=64, max_size=64))
    settings = {
        "cap_usd": _maybe(usd),
        "next_plan": _maybe(names),
        "auto_topup_usd": _maybe(usd),
        "auto_topup_below_usd": _maybe(usd),
        "auto_topup_month_usd": _maybe(usd),
    }
    key_scopes = st.lists(names, min_size=1, max_size=16, unique=True).map(sorted)
    kinds: list[tuple[str, dict[str, st.SearchStrategy[Any]]]] = [
        *((kind, {}) for kind in ("open", "suspend", "reopen")),
        ("plan", {"plan": names, "instead_of": _maybe(names), "fee_usd": _maybe(usd)}),
        ("setting", {**settings, "cap_usd": usd}),
        ("setting", {**settings, "next_plan": names}),
        ("consent", {"amount_usd": usd, "below_usd": _maybe(usd), "month_usd": _maybe(usd)}),
        ("consent", {"amount_usd": usd, "of_provider": providers, "of_ref": references}),
        (
            "key",
            {
                "key_id": st.just(digest[:16]),
                "sha256": st.just(digest),
                "scopes": key_scopes,
                "rpm": _maybe(st.integers(1, INT_MAX)),
                "until": _maybe(hours),
            },
        ),
        ("revoke", {"key_id": st.just(digest[:16])}),
        (
            "staff",
            {
                "user": _maybe(users),
                "identity": texts(ID_CHARACTERS.replace(":", ""), 64).map("staff:{}".format),
                "role": names,
                "limit_usd": _maybe(usd),
            },
        ),
    ]
    kind, has = draw(st.sampled_from(kinds))
    why = {"by": _maybe(texts(PRINTABLE, 100)), "reason": _maybe(reasons)}
    value = {name: draw(strategy) for name, strategy in {"user": users, **has, **why}.items()}
    value |= draw(_terms()) if kind == "plan" else {}
    value |= {"v": 2, "node": draw(nodes), "seq": draw(seqs), "ts": draw(timestamps), "kind": kind}
    return {key: value[key] for key in _ACCOUNT_KEYS if value.get(key) is not None}


@st.composite
def decision_2_values(draw: st.DrawFn) -> Value:
    """A valid decision line of version 2 as a dict in key order."""
    kind = draw(st.sampled_from(["seen", "only", "reconciled"]))
    first, last = sorted([draw(seqs), draw(seqs)])
    return {
        "v": 2,
        "node": draw(nodes),
        "seq": draw(seqs),
        "ts": draw(timestamps),
        "kind": kind,
        "tip": draw(st.text(HEX, min_size=40, max_size=40)),
        "of": draw(nodes),
        **({"from_seq": first, "to_seq": last} if kind == "reconciled" else {}),
        "by": draw(texts(PRINTABLE, 100)),
        "reason": draw(reasons),
    }


def written(value: Value) -> bytes:
    """A line as the specification says to write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


folders = st.sampled_from(list(Folder))


def values_in(folder: Folder) -> st.SearchStrategy[Value]:
    """Valid lines of a folder, as dicts."""
    return {
        Folder.USAGE: usage_values(),
        Folder.PAYMENTS: money_values() | money_2_values(),
        Folder.DECISIONS: decision_values() | decision_2_values(),
        Folder.ACCOUNTS: account_values(),
    }[folder]


ODD_VALUES: Final[list[Any]] = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        1.0,
        0.5,
        1e300,
        INT_MAX,
        INT_MAX + 1,
        -INT_MAX - 1,
        2**64 + 1,
    ),
    *(
        "",
        "1",
        "a b",
        "é",
        "a\n",
        "\x7f",
        '"',
        "\\",
        "/",
        "hero_os_hourly",
        "llm",
        "USD",
        "-1",
        "0",
    ),
    *("2026-11-21T24:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T13:00:00+00:00", "refund"),
    *(["a"], ["a", "a"], ["b", "a"], "2026-11-21T13:00:00Z", "2026-11-21T13:30:00Z"),
    *([], {}, [1], {"a": 1}, {"a": None}, {"b": 1, "a": 1}, {"a": {"b": 1}}, {"": 1}),
]
"""Values that some parser takes for another, or that sit just outside a limit."""


@st.composite
def odd_values(draw: st.DrawFn, value: Value) -> Value:
    """`value` with a field changed, added, lost, or moved."""
    keys = list(value)
    odd = ["applies_to", "reason", "corrects", "meta", "x", "of_ts", "to_seq", "subject"]
    odd += ["until", "from", "scope", "by", "credited_usd", "attempt", "from_seq", "from_", "v"]
    key = draw(st.sampled_from([*keys, *odd]))
    match draw(st.sampled_from(["set", "drop", "move", "length"])):
        case "set":
            return value | {key: draw(st.sampled_from(ODD_VALUES))}
        case "drop":
            return {name: item for name, item in value.items() if name != key}
        case "length" if isinstance(value.get(key), str):
            return value | {key: value[key] * draw(st.integers(0, 300))}
    order = draw(st.permutations(keys))
    return {name: value[name] for name in order}


RESPELLED: Final[list[tuple[bytes, bytes]]] = [
    *(
        (b":", b": "),
        (b",", b", "),
        (b"{", b"{ "),
        (b"}", b" }"),
        (b"\n", b"\r\n"),
        (b"\n", b" \n"),
    ),
    *((b"\n", b""), (b"\n", b"\n\n"), (b"a", b"\\u0061"), (b"/", b"\\/"), (b'\\"', b"\\u0022")),
    *((b"\\\\", b"\\u005c"), (b'"', b"'"), (b"1", b"1.0"), (b"1", b"1e0"), (b"1", b"01")),
    *((b"1", b"true"), (b"1", b"+1"), (b"0", b"-0"), (b"Z", b"+00:00"), (b"Z", b"z"), (b"Z", b"")),
    *((b"Z", b".000000Z"), (b"Z", b"0Z"), (b"T", b" "), (b"T", b"t"), (b".", b","), (b"-", b"")),
    *((b'"llm"', b'"hero_os_hourly"'), (b'"v":1', b'"v":1,"v":1'), (b'"v":1', b'"v":2,"v":1')),
    *((b'"v":1', b'"v":2'), (b'"units"', b'"units":1,"units"'), (b'"seq"', b'"seq":1,"seq"')),
    *((b'"user":"', b'"user":"\xff'), (b'"user":"', b'"user":"\xc3\xa9'), (b"{", b"\xef\xbb\xbf{")),
]
"""Other spellings of the same or of nearly the same line."""


@st.composite
def spoiled(draw: st.DrawFn, line: bytes) -> bytes:
    """`line` with one change to its bytes; sometimes it is still valid."""
    at = draw(st.integers(0, len(line) - 1))
    end = draw(st.integers(at, len(line)))
    match draw(st.sampled_from(["respell", "flip", "insert", "cut", "truncate", "repeat", "join"])):
        case "respell":
            old, new = draw(st.sampled_from([pair for pair in RESPELLED if pair[0] in line]))
            times = draw(st.sampled_from([1, -1]))
            return line.replace(old, new, times)
        case "flip":
            return line[:at] + bytes([line[at] ^ (1 << draw(st.integers(0, 7)))]) + line[at + 1 :]
        case "insert":
            return line[:at] + draw(st.binary(min_size=1, max_size=3)) + line[at:]
        case "cut":
            return line[:at] + line[end:]
        case "truncate":
            return line[:at]
        case "repeat":
            return line[:end] + line[at:]
    return line[:-1] + draw(st.sampled_from([b"", b" ", b"\r", b"\x0b"])) + line
