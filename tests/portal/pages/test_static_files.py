"""The files that pages load: which they are, and how they are kept."""

import gzip
import re
from hashlib import sha256

import requests

from portal.pages.static_files import FOLDER
from tests.portal.pages.story import tell
from tests.portal.pages.visitor import Visitor, signed_in
from tests.portal.place import PortalPlace


def addresses(place: PortalPlace) -> list[str]:
    place.pull()
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', Visitor(place.url).page("/sign-in"))


def test_what_is_taken_over_is_what_its_makers_gave_out() -> None:
    """With the licence beside it."""
    lines = (FOLDER / "VENDORED.txt").read_text().splitlines()
    stated = {each.split()[0]: each.split() for each in lines if not each.startswith("#")}
    own = {"site.css", "staff.css", "icon.svg", "chevron.svg"}
    taken = {path.name for path in FOLDER.iterdir() if path.suffix in {".js", ".css", ".svg"}} - own
    assert taken == stated.keys()
    for name, (_, package, _, _, digest) in stated.items():
        assert sha256((FOLDER / name).read_bytes()).hexdigest() == digest
        licence = package.rpartition("/")[2].partition(".")[0]
        assert (FOLDER / f"LICENSE.{licence}").read_text()


def test_a_page_loads_what_is_there_and_may_be_kept_for_ever(place: PortalPlace) -> None:
    found = [requests.get(place.url + path, timeout=10) for path in addresses(place)]
    assert len(found) == 4
    for each in found:
        assert each.status_code == 200
        assert each.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert each.headers["Content-Encoding"] == "gzip"
        name = each.url.rpartition("/")[2]
        assert each.content == (FOLDER / name).read_bytes()


def test_an_address_of_another_content_leads_nowhere(place: PortalPlace) -> None:
    path = addresses(place)[0]
    digest = path.split("/")[2]
    assert requests.get(place.url + path.replace(digest, "0" * 16), timeout=10).status_code == 404
    for name in ("../table.py", "%2e%2e/table.py", "VENDORED.txt", ""):
        assert requests.get(f"{place.url}/static/{digest}/{name}", timeout=10).status_code == 404


def test_who_cannot_unpack_gets_it_as_it_is(place: PortalPlace) -> None:
    path = addresses(place)[0]
    found = requests.get(place.url + path, timeout=10, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in found.headers
    assert len(gzip.compress(found.content)) < len(found.content)


def test_a_first_page_comes_quickly_over_a_slow_line(place: PortalPlace) -> None:
    """At most 60 kB with all that it loads."""
    visitor = signed_in(place.url, tell(place))
    page = visitor.page("/")
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    packed = [len(gzip.compress((FOLDER / path.rpartition("/")[2]).read_bytes())) for path in files]
    assert len(page) + sum(packed) < 60_000
