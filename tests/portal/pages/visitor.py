"""Somebody with a browser, as far as requests and cookies go."""

import re
from typing import Any, Final

import requests

from gitmeter.keys.secret import NewKey
from portal.pages.cookies import COOKIE
from portal.pages.forms import PROOF

_TOKEN: Final = re.compile(rf'name="{PROOF}" value="([0-9a-f]+)"')
FROM_HERE: Final = {"Sec-Fetch-Site": "same-origin"}


class Visitor:
    """A browser.

    Attributes:
        url: of the portal.
        cookie: what it shows; empty for nothing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookie = ""

    def get(self, path: str, **headers: str) -> requests.Response:
        """Ask for a page."""
        return self._ask("GET", path, headers, None)

    def page(self, path: str) -> str:
        """A page, which must be shown."""
        found = self.get(path)
        assert found.status_code == 200, (found.status_code, found.text)
        return found.text

    def token(self, path: str) -> str:
        """The token in the forms of a page."""
        found = _TOKEN.search(self.page(path))
        assert found is not None
        return found[1]

    def post(
        self, path: str, fields: dict[str, Any], headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Send a form as it is, from a page of this portal unless headers say otherwise."""
        return self._ask("POST", path, FROM_HERE if headers is None else headers, fields)

    def send(self, page: str, path: str, **fields: Any) -> requests.Response:  # noqa: ANN401
        """Open a page, and send a form of it."""
        return self.post(path, {PROOF: self.token(page), **fields})

    def sign_in(self, key: NewKey | str) -> requests.Response:
        """Sign in with a key."""
        secret = key.secret if isinstance(key, NewKey) else key
        return self.send("/sign-in", "/sign-in", key=secret)

    def _ask(
        self, method: str, path: str, headers: dict[str, str], fields: dict[str, Any] | None
    ) -> requests.Response:
        shown = {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        found = requests.request(
            method,
            self.url + path,
            headers={**shown, **headers},
            data=fields,
            timeout=30,
            allow_redirects=False,
        )
        given = found.headers.get("Set-Cookie", "")
        if given.startswith(f"{COOKIE}="):
            self.cookie = given.partition("=")[2].partition(";")[0].strip('"')
        return found


def signed_in(url: str, key: NewKey | str) -> Visitor:
    """A browser of somebody who has signed in."""
    found = Visitor(url)
    answered = found.sign_in(key)
    assert (answered.status_code, answered.headers["Location"]) == (303, "/"), answered.text
    return found
