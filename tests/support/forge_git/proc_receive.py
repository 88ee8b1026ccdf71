"""The proc-receive hook of a test forge: a push to `refs/for/` becomes a pull request.

`refs/for/<branch>/<topic>` is kept as `refs/pull/<number>/head`; the same ref again moves the same
pull request.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PULLS_FILE = Path("forge-pulls")


def main() -> None:
    """Speak with receive-pack as githooks(5) says."""
    wants_options = any([b"push-options" in line for line in _read()])  # noqa: C419 - reads them all
    _send(b"version=1\0push-options")
    _flush()
    updates = [line.split() for line in _read()]
    if wants_options:
        list(_read())
    for _, new, ref in updates:
        name = f"refs/pull/{_number(ref.decode())}/head"
        subprocess.run(["git", "update-ref", name, new], check=True)
        _send(b"ok " + ref)
        _send(f"option refname {name}".encode())
    _flush()


def _number(ref: str) -> int:
    """The number of the pull request that a ref opened, now or before."""
    known = json.loads(_PULLS_FILE.read_text()) if _PULLS_FILE.exists() else {}
    number = known.setdefault(ref, len(known) + 1)
    _PULLS_FILE.write_text(json.dumps(known))
    return int(number)


def _read() -> Iterator[bytes]:
    """The packets up to the next flush."""
    stream = sys.stdin.buffer
    while (length := int(stream.read(4), 16)) > 0:
        yield stream.read(length - 4).rstrip(b"\n")


def _send(line: bytes) -> None:
    sys.stdout.buffer.write(b"%04x%b" % (len(line) + 4, line))


def _flush() -> None:
    sys.stdout.buffer.write(b"0000")
    sys.stdout.buffer.flush()
