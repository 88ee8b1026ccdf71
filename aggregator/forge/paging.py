"""A whole list, read page by page: complete and consistent, or an error.

Forgejo counts all items in `X-Total-Count` on every page. Its list of repos links to the next page
by `Link`; its lists of keys and webhooks do not, so their pages are numbered until the count is
reached.
"""

import re
import time
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import TypeAdapter
from requests.utils import parse_header_links

from aggregator.forge.answers import ForgeResponse, bad_answer
from aggregator.forge.interface import BadAnswerError, IncompleteListingError, UnavailableError
from aggregator.forge.shapes import read
from aggregator.forge.transport import Session

PAGE_ITEMS: Final = 50
"""A forge's own maximum unless its operator changed it; fewer are fine."""

ITEMS_MAX: Final = 1_000_000
_PAGE: Final = re.compile(r"[1-9][0-9]{0,5}")
LIST_TIMEOUT_S: Final = 900
"""For all pages: a hundred thousand repos take two thousand of them."""


class Item(Protocol):
    """An object that has a number on the forge."""

    @property
    def id(self) -> int:
        """The number."""
        ...


T = TypeVar("T", bound=Item)


class Pages(Generic[T]):
    """A list while it is read.

    Args:
        session: requests each page.
        url: address of the list, without a query.
        shape: the form of a page.

    Attributes:
        items: the items read so far, by their number.
        at: the forge's own clock at the first page; None before.
    """

    def __init__(self, session: Session, url: str, shape: TypeAdapter[tuple[T, ...]]) -> None:
        self.items: dict[int, T] = {}
        self.at: datetime | None = None
        self._session = session
        self._url = url
        self._shape = shape
        self._total: int | None = None
        self._until_s = time.monotonic() + LIST_TIMEOUT_S

    def read(self) -> tuple[T, ...]:
        """All items, ascending by number.

        Raises:
            IncompleteListingError: the pages do not add up to one list.
            ForgeError: as `Session.ask`.
        """
        page_no, asked = 1, set[str]()
        url: str | None = self._numbered(page_no)
        while url is not None:
            if url in asked:
                raise self._incomplete("a page leads back to one before it")
            if time.monotonic() > self._until_s:
                raise UnavailableError(f"{self._url}: not all of it in {LIST_TIMEOUT_S} s")
            asked.add(url)
            answer = self._session.ask("GET", url)
            found = self._take(answer)
            page_no += 1
            url = self._next(answer, found, page_no)
        return tuple(self.items[number] for number in sorted(self.items))

    def _take(self, answer: ForgeResponse) -> int:
        """Add a page; returns the number of its items."""
        page = read(self._shape, answer.body, self._url)
        total = self._total_of(answer)
        if self._total is None:
            self._total, self.at = total, answer.at
        if total != self._total:
            raise self._incomplete(f"it changed meanwhile: {self._total} items, then {total}")
        for item in page:
            if self.items.setdefault(item.id, item) is not item:
                raise self._incomplete(f"number {item.id} came twice")
        if len(self.items) > total:
            raise self._incomplete(f"more than the {total} items that the forge counts")
        return len(page)

    def _next(self, answer: ForgeResponse, found: int, page_no: int) -> str | None:
        following = _linked(answer)
        if following is None and len(self.items) == self._total:
            return None
        if found == 0 or len(self.items) == self._total:
            raise self._incomplete(f"{len(self.items)} of {self._total} items arrived")
        return self._numbered(page_no) if following is None else self._own(following)

    def _own(self, url: str) -> str:
        """The next page at the address that is configured.

        A forge names it below its own ROOT_URL, which may be another address than the one that is
        reached from here; and the token goes to no other.
        """
        try:
            query = parse_qs(urlsplit(url).query)
        except ValueError:
            query = {}
        page = query.get("page", [""])[-1]
        if _PAGE.fullmatch(page) is None:
            raise BadAnswerError(f"{self._url}: its link to the next page has no page: {url}")
        return self._numbered(int(page))

    def _total_of(self, answer: ForgeResponse) -> int:
        text = answer.headers.get("X-Total-Count", "")
        if not (text.isascii() and text.isdigit()) or len(text) > len(str(ITEMS_MAX)):
            raise bad_answer(self._url, f"no count of all items: {text[:40]!r}")
        return int(text)

    def _numbered(self, page_no: int) -> str:
        return f"{self._url}?page={page_no}&limit={PAGE_ITEMS}"

    def _incomplete(self, words: str) -> IncompleteListingError:
        return IncompleteListingError(
            f"{self._url}: not one whole list: {words}",
            hint="if it stays so: a list leaves out what the token's user may not see, who must be"
            " an owner of the organisation",
        )


def _linked(answer: ForgeResponse) -> str | None:
    links: list[dict[str, Any]] = parse_header_links(answer.headers.get("Link", ""))
    return next((link["url"] for link in links if link.get("rel") == "next"), None)
