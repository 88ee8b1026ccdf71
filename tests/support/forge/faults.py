"""What the API of a test forge can do wrong, over what any server can do wrong."""

from typing import Final, NamedTuple

from tests.support.forge.api import Answer
from tests.support.http_faults import FAULTS

FORGE_FAULTS: Final = FAULTS | {
    *("garbage_json", "huge", "not_a_list"),
    *("wrong_total", "no_total", "no_link", "link_loop", "link_elsewhere", "endless"),
}
"""
- `garbage_json` announces JSON and sends something else, `huge` sends 64 MiB of it;
- `not_a_list` sends an object where a list should be, or a list where an object should be;
- `wrong_total` counts one more than there are, `no_total` does not count;
- `no_link` names no other page, `link_loop` says that the next page is this one;
- `link_elsewhere` says that the next page is on another server (`elsewhere`);
- `endless` always has a next page.
"""
HUGE_BYTES: Final = 64 * 1024 * 1024


class Spoiled(NamedTuple):
    """An answer to send.

    Attributes:
        body: in place of the answer's own, where it is not None.
    """

    answer: Answer
    body: bytes | None = None


def spoil(fault: str | None, answer: Answer, asked: str, elsewhere: str) -> Spoiled:
    """Make an answer wrong.

    Args:
        fault: how; None and what is not of the API leave it as it is.
        answer: what would be right.
        asked: the whole address that was asked for.
        elsewhere: another server.
    """
    headers = dict(answer.headers)
    body: bytes | None = None
    if fault == "garbage_json":
        body = b'[{"id": 1, "name": "half of a repo", '
    elif fault == "huge":
        body = b"[" + b" " * (HUGE_BYTES - 2) + b"]"
    elif fault == "not_a_list":
        is_list = isinstance(answer.body, list)
        answer = answer._replace(body={"ok": True} if is_list else [])
    elif fault == "wrong_total" and "X-Total-Count" in headers:
        headers["X-Total-Count"] = str(int(headers["X-Total-Count"]) + 1)
    elif fault == "no_total":
        headers.pop("X-Total-Count", None)
    elif fault == "no_link":
        headers.pop("Link", None)
    elif fault == "link_loop":
        headers["Link"] = f'<{asked}>; rel="next"'
    elif fault == "link_elsewhere":
        headers["Link"] = f'<{elsewhere}/api/v1/orgs/ops/repos?page=2>; rel="next"'
    elif fault == "endless":
        headers["Link"] = f'<{asked}{"&" if "?" in asked else "?"}page={len(asked)}>; rel="next"'
    return Spoiled(answer._replace(headers=headers), body)
