"""What browsers are told to refuse, and forms that no page of this browser made."""

import re
import socket
from pathlib import Path

import pytest
import requests

from portal.access.sessions import form_token
from portal.api.checks import WRITES_A_DAY
from portal.pages.forms import PROOF
from tests.portal.pages.visitor import FROM_HERE, Visitor, signed_in
from tests.portal.place import EVERYTHING, PortalPlace, problem

FROM_ELSEWHERE = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://thief.example"},
    {"Origin": "null"},
    {"Origin": "https://thief.example", "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nothing", "/static/x/y", "/sign-out"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "Content-Security-Policy",
            (
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
                " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ],
)
def test_every_answer_says_what_browsers_refuse(
    place: PortalPlace, path: str, name: str, value: str
) -> None:
    place.pull()
    assert Visitor(place.url).get(path).headers[name] == value


def test_no_page_may_be_kept(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    for path in ("/", "/sign-in", "/nothing"):
        assert visitor.get(path).headers["Cache-Control"] == "no-store"


def test_no_page_has_anything_inline(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    page = signed_in(place.url, key).page("/")
    assert "<style" not in page
    assert " style=" not in page
    assert " onclick=" not in page
    assert page.count("<script") == page.count("<script src=")


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_a_form_from_elsewhere_changes_nothing(place: PortalPlace, headers: dict[str, str]) -> None:
    """Though it had the token."""
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    fields = {PROOF: visitor.token("/")}
    assert visitor.post("/sign-out", fields, headers).status_code == 403
    assert visitor.get("/").status_code == 200


def test_a_form_without_the_token_of_its_session_changes_nothing(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor, other = signed_in(place.url, key), signed_in(place.url, key)
    token = visitor.token("/")
    wrong: list[dict[str, object]] = [
        {"key": "x"},
        {PROOF: ""},
        {PROOF: other.token("/")},
        {PROOF: [token, token]},
        {PROOF: "é"},
    ]
    for fields in wrong:
        assert visitor.post("/sign-out", fields).status_code == 403, fields
    assert visitor.post("/sign-out", {PROOF: token}).status_code == 303


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_nobody_is_signed_in_by_another_site(place: PortalPlace, headers: dict[str, str]) -> None:
    key = place.key()
    place.pull()
    visitor = Visitor(place.url)
    fields = {PROOF: visitor.token("/sign-in"), "key": key.secret}
    assert visitor.post("/sign-in", fields, headers).status_code == 403
    fields[PROOF] = Visitor(place.url).token("/sign-in")
    assert visitor.post("/sign-in", fields).status_code == 403
    assert visitor.get("/").status_code == 303


def test_an_old_browser_that_says_whence_a_form_comes_is_believed(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = Visitor(place.url)
    fields = {PROOF: visitor.token("/sign-in"), "key": key.secret}
    assert visitor.post("/sign-in", fields, {"Origin": place.url}).status_code == 303


def test_a_token_is_of_one_portal_and_one_id() -> None:
    assert form_token(b"one", "a") != form_token(b"two", "a")
    assert form_token(b"one", "a") != form_token(b"one", "b")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"key": "x", "more": "y"}, 422),
        ({"key": ["x", "y"]}, 422),
        ({}, 422),
        ({f"f{number}": "x" for number in range(100)}, 422),
        ({"key": "x" * 70_000}, 413),
    ],
)
def test_a_form_has_its_fields_and_no_others(
    place: PortalPlace, fields: dict[str, object], status: int
) -> None:
    place.pull()
    visitor = Visitor(place.url)
    sent = {PROOF: visitor.token("/sign-in"), **fields}
    assert visitor.post("/sign-in", sent).status_code == status


def test_a_form_without_fields_takes_none(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    assert visitor.send("/", "/sign-out", more="x").status_code == 422
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", ""])
def test_forms_of_other_types_are_refused(place: PortalPlace, kind: str) -> None:
    place.pull()
    visitor = Visitor(place.url)
    visitor.get("/sign-in")
    found = visitor.post("/sign-in", {"key": "x"}, FROM_HERE | {"Content-Type": kind})
    assert found.status_code == 415


def test_no_address_leads_to_another_site(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    visitor = signed_in(place.url, key)
    for name in ("https://thief.example", "//thief.example", "/keys/new", "%2F%2Fthief.example"):
        assert visitor.get(f"/sign-in/again?next={name}").status_code == 404
    for path in ("//thief.example", "//thief.example/%2e%2e"):
        for headers in ({}, {"HX-Request": "true"}):
            found = visitor.get(path, **headers)
            assert "thief" not in found.headers.get("Location", "")
            assert "thief" not in found.headers.get("HX-Redirect", "")


@pytest.mark.parametrize("origin", ["http://[", "://", "ftp://x", "null", "http://", "HTTP://X"])
def test_an_origin_that_is_none_is_not_believed(place: PortalPlace, origin: str) -> None:
    """And is no fault of the server's."""
    place.pull()
    visitor = Visitor(place.url)
    fields = {PROOF: visitor.token("/sign-in"), "key": "x"}
    assert visitor.post("/sign-in", fields, {"Origin": origin}).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/%0d%0aX:y", "/%00", "/\\thief.example", "//thief.example", "/%5Cthief.example", "/\xe9"],
)
def test_a_script_is_led_to_no_other_site(place: PortalPlace, path: str) -> None:
    """Whatever it asked for; each gets an answer."""
    place.pull()
    host, port = place.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as asking:
        sent = f"GET {path} HTTP/1.1\r\nHost: x\r\nHX-Request: true\r\nConnection: close\r\n\r\n"
        asking.sendall(sent.encode("latin-1"))
        answer = b"".join(iter(lambda: asking.recv(4096), b"")).decode("latin-1")
    assert answer.startswith("HTTP/1.1 ")
    led = [line for line in answer.splitlines() if line.lower().startswith("hx-redirect:")]
    assert all(re.fullmatch(r"hx-redirect: /(?![/\\])[!-~]*", line.lower()) for line in led)


@pytest.mark.parametrize("url", ["https://Portal.example:443/", "https://PORTAL.example"])
def test_the_address_of_the_pages_is_that_which_browsers_state(tmp_path: Path, url: str) -> None:
    """However the operator writes it."""
    place = PortalPlace(tmp_path, pages={"url": url})
    place.pull()
    with place.serving():
        visitor = Visitor(place.url)
        fields = {PROOF: visitor.token("/sign-in"), "key": "x"}
        from_here = visitor.post("/sign-in", fields, {"Origin": "https://portal.example"})
    assert "This key does not work" in from_here.text


def test_a_least_key_keeps_nobody_from_revoking_it(place: PortalPlace) -> None:
    """What it may not do takes nothing of what the account may settle in a day."""
    key, leaked = (
        place.key("alice", *EVERYTHING, "settings:write", rpm=1000),
        place.key("alice", "allowed:x", rpm=1000),
    )
    place.pull()
    thief = signed_in(place.url, leaked)
    token = thief.token("/sign-in/again?next=new-key")
    for _ in range(WRITES_A_DAY + 1):
        sent = {PROOF: token, "key_id": leaked.key_id}
        assert thief.post("/keys/revoke", sent).status_code == 403
    owner = place.client(key)
    assert owner.ask("POST", "/v1/keys", json={"scopes": ["balance:read"]}).status_code == 201
    for _ in range(WRITES_A_DAY):
        owner.ask("PATCH", "/v1/settings", json={"cap_usd": "none of it"})
    for _ in range(WRITES_A_DAY):
        owner.ask("PATCH", "/v1/settings", json={"cap_usd": "5"})
    assert problem(owner.ask("PATCH", "/v1/settings", json={"cap_usd": "6"}))[0] == 429
    assert owner.ask("DELETE", f"/v1/keys/{leaked.key_id}").status_code == 204
    assert place.client(leaked).get("/v1/me").status_code == 401


def test_a_portal_may_have_no_pages(tmp_path: Path) -> None:
    place = PortalPlace(tmp_path, pages={"on": False})
    with place.serving():
        for path in ("/", "/sign-in"):
            assert problem(requests.get(place.url + path, timeout=10)) == (404, "not-found")


def test_a_script_is_sent_to_whole_pages(place: PortalPlace) -> None:
    """What it asks for is put into a page, and signing in is no part of one."""
    place.pull()
    found = Visitor(place.url).get("/", **{"HX-Request": "true"})
    assert (found.status_code, found.headers["HX-Redirect"]) == (200, "/sign-in")
    assert found.content == b""
