"""Paths, commit messages, rule books, settings, addresses, and what servers say."""

import re
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Final

from aggregator.config.document import ConfigError
from aggregator.config.example import example
from aggregator.config.loading import load_config
from aggregator.config.settings import Config
from gitmeter.git_remote import http_pack, http_refs
from gitmeter.git_remote.failures import RemoteConfigError, RemoteError, failure
from gitmeter.git_remote.remote import Remote, Transport, environment
from gitmeter.http_edge.client import Response
from node_pusher.home.errors import HomeError
from node_pusher.home.settings_file import read_home, write_home
from tests.fuzz.target import Target, is_printable, promise
from wire_format.commit_message import Summary, Total, build_message, parse_message
from wire_format.instants import parse_ts
from wire_format.lines import Folder
from wire_format.paths import InvalidPathError, folder_of, parse_path
from wire_format.rule_book import DEFAULT_DISCOUNTS, parse_rule_book
from wire_format.rule_files.loading import RuleBookError

_FOLDER: Final = tempfile.TemporaryDirectory(prefix="gitmeter-fuzz-")
"""For parsers that read a file; removed when the process ends."""

_URL: Final = "https://forge.example/ops/node-1.git"
_HELPER: Final = re.compile("[A-Za-z0-9+.-]*::")
"""What git takes for the name of a program to run."""

_SCHEMES: Final = ("https://", "http://", "ssh://", "file:///")


def check_path(data: bytes) -> bool:
    """A path is a segment's, and is written as it was read, or it is refused."""
    text = data.decode(errors="surrogateescape")
    folder = folder_of(text)
    try:
        path = parse_path(text)
    except InvalidPathError as error:
        promise(is_printable(str(error)))
        return False
    promise(str(path) == text, path)
    promise(folder is path.folder, path)
    return True


def check_message(data: bytes) -> bool:
    """What a message states can be written again and read back."""
    found = parse_message(data.decode(errors="surrogateescape"))
    if found is None:
        return False
    for folder in Folder:
        again = build_message(folder, found, [Total("a name", "12", 1)])
        promise(parse_message(again) == found, (found, again))
    return True


def check_rule_book(data: bytes) -> bool:
    """Both files of a rule book, apart by a zero byte: a book, or every fault in words."""
    prices, zero, discounts = data.partition(b"\0")
    try:
        book = parse_rule_book(prices, discounts if zero else None)
    except RuleBookError as error:
        promise(error.faults, data)
        promise(all(map(is_printable, error.faults)), error.faults)
        return False
    promise(all(price.units_per >= 1 for price in book.prices), book)
    promise(all(min(step[1:]) >= 0 for price in book.prices for step in price.steps), book)
    tiers = [tier for ladder in book.ladders for tier in ladder.tiers]
    promise(all(0 <= tier.scaled <= 10**9 for tier in tiers), book)
    promise(all(price.from_hour < 10**8 for price in book.prices), book)
    promise(all(ladder.from_hour < 10**8 for ladder in book.ladders), book)
    return True


def check_config(data: bytes) -> bool:
    """A configuration, or every fault in words."""
    path = Path(_FOLDER.name) / "aggregator.toml"
    path.write_bytes(data)
    try:
        config = load_config(path, environment={})
    except ConfigError as error:
        promise(error.faults, data)
        promise(all(map(is_printable, error.faults)), error.faults)
        return False
    for repo in config.repo:
        _check_remote(repo.remote)
        promise(config.mirror_path(repo.name).parent == config.mirrors_path, repo)
    return True


def check_home(data: bytes) -> bool:
    """The settings of a home, which can be written and read again, or one error."""
    folder = Path(_FOLDER.name)
    (folder / "node.toml").write_bytes(data)
    try:
        home = read_home(folder)
    except HomeError as error:
        promise(str(error).encode(), error)
        return False
    _check_remote(home.repo.remote)
    write_home(home)  # makes paths absolute
    again = read_home(folder)
    promise(
        (again.node, again.settings.role, again.repo.branch)
        == (home.node, home.settings.role, home.repo.branch),
        home,
    )
    promise(again.repo.remote.url == home.repo.remote.url, home)
    write_home(again)
    promise(read_home(folder) == again, again)
    return True


def check_remote(data: bytes) -> bool:
    """An address that git may be given, or one error."""
    try:
        remote = Remote(data.decode(errors="surrogateescape"))
    except RemoteConfigError as error:
        promise(str(error), data)
        return False
    _check_remote(remote)
    return True


def _check_remote(remote: Remote) -> None:
    url = remote.url
    promise(url.isascii(), url)
    promise(url.isprintable(), url)
    promise(not url.startswith("-"), url)
    promise(_HELPER.match(url) is None, url)
    promise(url.startswith(_SCHEMES) or remote.transport is Transport.SSH, url)
    promise(remote.transport in set(Transport))
    if remote.token_file is None:
        promise("GIT_SSH_COMMAND" in environment(remote))
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    promise(not host.startswith("-"), url)


def check_failure(data: bytes) -> bool:
    """Whatever git says becomes one of the errors, and no longer a text than a person reads."""
    words = data.decode(errors="replace")
    error = failure(_URL, words)
    promise(isinstance(error, RemoteError))
    promise("\n" not in str(error), error)
    promise(len(str(error)) < len(_URL) + 700, error)
    return type(error) is not RemoteError


_ADVERTISEMENT: Final = {"Content-Type": "application/x-git-upload-pack-advertisement"}


def check_advertisement(data: bytes) -> bool:
    """What a server says of its refs is read to an answer or to an error."""
    response = Response(200, _ADVERTISEMENT, BytesIO(data))
    try:
        found = http_refs._read(_URL, "refs/heads/main", response, 3)
    except (http_refs.NotGitError, RemoteError):
        return False
    promise(found.commit is None or found.has_refs, found)
    return True


def check_pack_answer(data: bytes) -> bool:
    """The pack in a server's answer is what its packets hold, or there is none."""
    try:
        pack = b"".join(http_pack._pack(BytesIO(data), "a" * 40))
    except http_refs.NotGitError:
        return False
    promise(len(pack) < len(data), pack)
    return True


_SUMMARY: Final = Summary(
    "node-1", 17, 18, 2, parse_ts("2026-11-21T13:05:00Z"), parse_ts("2026-11-21T13:05:01.500000Z")
)
_PRICES: Final = b"""\
[[price]]
resource = "vm/small/seconds"
usd = "0.04"
per = 3600
from = 2026-01-01T00:00:00Z
applies_to = "vm"
"""
_NODE_TOML: Final = f"""\
node = "node-1"
role = "usage"
[remote]
url = "{_URL}"
branch = "main"
token_file = "/etc/token"
"""
_SAID: Final = (
    "fatal: repository 'https://forge.example/ops/node-1.git/' not found",
    "fatal: unable to access 'x': The requested URL returned error: 503",
    "fatal: Authentication failed for 'https://forge.example/'",
    "ssh: connect to host forge.example port 22: Connection refused\nfatal: early EOF",
    "remote: fatal: pack exceeds maximum allowed size\nerror: index-pack died",
)
_ADDRESSES: Final = (
    *(_URL, "http://127.0.0.1:8080/a.git", "http://localhost/a", "http://[::1]:80/a"),
    *("ssh://git@forge.example:22/a.git", "git@forge.example:a/b.git", "file:///srv/git/a.git"),
)
_ADVERTISED: Final = (
    b"001e# service=git-upload-pack\n0000"
    b"004d" + b"a" * 40 + b" refs/heads/main\0multi_ack side-band" + b"\n0000",
    b"001e# service=git-upload-pack\n00000000",
    b"001e# service=git-upload-pack\n0000000dERR gone\n",
)
_PACK_ANSWERS: Final = (
    b"0031ACK " + b"a" * 40 + b"\n0009\1PACK0007\2..0005\1" + b"0000",
    b"0008NAK\n0009\1PACK0000",
    b"0031ACK " + b"a" * 40 + b"\n0008\3no\n",
)
_TOML_WORDS: Final = (
    b"[[price]]",
    b"[[ladder]]",
    b"[[repo]]",
    b'"""',
    b"inf",
    b"nan",
    b"0x",
    b"{ ",
)

TARGETS: Final = (
    Target(
        "path",
        check_path,
        [b"usage/2026/11/21/0000000000000017.jsonl", b"payments/2000/01/01/9007199254740991.jsonl"],
        [folder.encode() for folder in Folder],
        200,
    ),
    Target(
        "commit-message",
        check_message,
        [build_message(Folder.USAGE, _SUMMARY, [Total("llm/x", "3", 2)]).encode()],
        [b"Node: ", b"Seq: ", b"Records: ", b"First-Ts: ", b"Last-Ts: ", b"..", b"\n\n"],
    ),
    Target(
        "rule-book",
        check_rule_book,
        [_PRICES, _PRICES + b"\0" + DEFAULT_DISCOUNTS.encode(), b"\0"],
        [*_TOML_WORDS, b"after_days", b"multiplier", b"usd", b"per", b"from", b"applies_to"],
    ),
    Target(
        "config",
        check_config,
        [
            example(Path("/etc/gitmeter/aggregator.toml")).encode(),
            f'[[repo]]\nnode = "node-1"\nurl = "{_URL}"\nallow_unsigned = true\n'.encode(),
            b'state = "/x"\npull_every_s = 60\nfetch_workers = 2\n',
        ],
        [*_TOML_WORDS, *(f"{name} = ".encode() for name in Config.model_fields)],
    ),
    Target("node-toml", check_home, [_NODE_TOML.encode()], [*_TOML_WORDS, b"remote", b"role"]),
    Target(
        "address",
        check_remote,
        [address.encode() for address in _ADDRESSES],
        [b"https://", b"ssh://", b"ext::", b"@", b"%2f", b"[::1]", b"-o", b"..", b"?", b"#"],
        300,
    ),
    Target("git-said", check_failure, [text.encode() for text in _SAID], [b"fatal: ", b"remote: "]),
    Target(
        "advertisement",
        check_advertisement,
        _ADVERTISED,
        [
            b"0000",
            b"0004",
            b"ffff",
            b"001e# service=git-upload-pack\n",
            b"refs/heads/main",
            b"ERR ",
        ],
    ),
    Target(
        "pack-answer",
        check_pack_answer,
        _PACK_ANSWERS,
        [b"0000", b"0004", b"0005\1", b"ffff", b"ACK ", b"NAK\n", b"ERR "],
    ),
)
