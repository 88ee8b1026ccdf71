"""What a server says in the body of an answer that is not git's.

A forge names there why it refuses: in a sentence, or on a page for people. Neither git nor libgit2
shows the page; both say of it only that its content type is not the right one.
"""

import html
import re
from http.client import responses
from typing import Final

from gitmeter.http_edge.client import ExchangeError, Response

_BODY_BYTES_READ: Final = 64 * 1024
"""The main part of a forge's page comes after its menus, which take up to 20 kB."""

_WORDS_MAX: Final = 300
_TITLE: Final = re.compile(r"<title\b[^>]{0,200}>([^<]*)", re.IGNORECASE)
_MAIN: Final = re.compile(r"\brole=[\"']?main\b", re.IGNORECASE)
_BODY: Final = re.compile(r"<body\b", re.IGNORECASE)
_NOT_TEXT: Final = ("script", "style")


def server_words(response: Response) -> str:
    """What a server says in the body of a response, on one line without control characters.

    Of a page the title and the text of its main part. At most 300 characters; empty if there is no
    body, if it cannot be read, or if it only repeats the status.

    Args:
        response: the body is read, as far as it is needed.
    """
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return ""
    try:
        text = response.body.read(_BODY_BYTES_READ).decode(errors="replace")
    except ExchangeError:  # the status says enough
        return ""
    is_page = "html" in response.headers.get("Content-Type", "").lower()
    words = _of_page(text) if is_page else _plain(text)
    phrase = responses.get(response.status, "").lower()
    if words.lower().strip(" .") in {phrase, f"{response.status} {phrase}"}:
        return ""
    return words[:_WORDS_MAX]


def _of_page(page: str) -> str:
    """The title of a page, and the text of its main part."""
    title = _TITLE.search(page)
    begin = _MAIN.search(page) or _BODY.search(page)
    # each part but the first begins inside a tag, and so does what follows `begin`
    parts = page[begin.end() :].split("<") if begin else page.split("<")[1:]
    tags = (part.partition(">") for part in parts)
    text = " ".join(text for tag, _, text in tags if not tag.lower().startswith(_NOT_TEXT))
    shown = [_plain(html.unescape(each)) for each in (title[1] if title else "", text)]
    return "; ".join(filter(None, shown))


def _plain(text: str) -> str:
    """A text on one line, without control characters and those that change direction."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
