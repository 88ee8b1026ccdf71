"""Signing in at an issuer: only who began can end it, once, and as whom the issuer says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from portal.config.tables import IssuerTable
from portal.issuers.description import IssuerError
from portal.issuers.signing_in import LASTS_S, Attempt, address_of, begun, finish
from portal.issuers.tokens import InvalidTokenError
from tests.portal.issuers.issuer import AUDIENCE, Issuer
from tests.support.files import write_secret

NOW: Final = datetime(2026, 11, 29, tzinfo=UTC)
NOW_S: Final = int(NOW.timestamp())
BACK: Final = "https://portal.example/sign-in/back/house"


@pytest.fixture
def attempt(issuer: Issuer) -> Attempt:
    """Of a browser at an issuer that wants no secret."""
    table = IssuerTable(url=issuer.url, audience=AUDIENCE, name="House")
    return Attempt(table, BACK, b"s" * 32, "browser")


def came_back(issuer: Issuer, attempt: Attempt, **claims: Any) -> dict[str, str]:  # noqa: ANN401
    """What somebody is sent back with who has signed in."""
    return issuer.sign_in(address_of(attempt, NOW), NOW_S, **claims)


def test_somebody_is_who_the_issuer_says(issuer: Issuer, attempt: Attempt) -> None:
    """With the state that was sent, and a code that opens once."""
    sent = came_back(issuer, attempt, sub="ada")
    found = begun(attempt, sent["state"], NOW + timedelta(seconds=LASTS_S - 1))
    assert found == (attempt, NOW_S)
    assert finish(*found, sent["code"], NOW).subject == "ada"
    with pytest.raises(IssuerError, match="400"):
        finish(*found, sent["code"], NOW)


def test_what_another_browser_began_cannot_be_ended(issuer: Issuer, attempt: Attempt) -> None:
    """Neither its state nor its code: the verifier stays with the browser that began."""
    sent = came_back(issuer, attempt, sub="ada")
    mallory = attempt._replace(browser_id="another")
    assert begun(mallory, sent["state"], NOW) is None
    with pytest.raises(IssuerError, match="400"):
        finish(mallory, NOW_S, sent["code"], NOW)


def test_a_state_ends_and_cannot_be_made_up(attempt: Attempt) -> None:
    """Of another time, issuer, portal or purpose it is none."""
    state = attempt.state(NOW_S)
    assert begun(attempt, state, NOW) == (attempt, NOW_S)
    again = attempt._replace(onward="new-key")
    assert begun(attempt, again.state(NOW_S), NOW) == (again, NOW_S)
    assert begun(attempt, state, NOW + timedelta(seconds=LASTS_S)) is None
    assert begun(attempt, state, NOW - timedelta(seconds=1)) is None
    shifted = state.replace(str(NOW_S), str(NOW_S - 1))
    for made_up in (
        "",
        "-",
        state[:-1],
        f"{state}0",
        f"{state}new-key",
        shifted,
        f"{NOW_S}-{'0' * 64}",
    ):
        assert begun(attempt, made_up, NOW) is None
    other = attempt.issuer.model_copy(update={"url": "https://other.example"})
    for change in ({"issuer": other}, {"seal": b"t" * 32}):
        assert begun(attempt._replace(**change), state, NOW) is None
    assert len({state, attempt.nonce(NOW_S), attempt.verifier(NOW_S)}) == 3


def test_a_token_of_another_attempt_opens_nothing(issuer: Issuer, attempt: Attempt) -> None:
    """Nor one that has no nonce, or is not genuine."""
    for claims in ({"nonce": "another"}, {"nonce": None}, {"aud": "shop"}, {"iss": "https://x"}):
        sent = came_back(issuer, attempt, **claims)
        with pytest.raises(InvalidTokenError):
            finish(attempt, NOW_S, sent["code"], NOW)


def test_signing_in_again_is_done_anew(issuer: Issuer, attempt: Attempt) -> None:
    """The issuer must say when; a browser that is still signed in there has not done so."""
    again = attempt._replace(onward="new-key")
    assert "prompt=login" in address_of(again, NOW)
    for claims in ({}, {"auth_time": NOW_S - 3_600}, {"auth_time": "now"}, {"auth_time": True}):
        sent = came_back(issuer, again, **claims)
        with pytest.raises(InvalidTokenError, match="anew"):
            finish(again, NOW_S, sent["code"], NOW)
    sent = came_back(issuer, again, auth_time=NOW_S)
    assert finish(again, NOW_S, sent["code"], NOW).signed_in_s == NOW_S


def test_a_portal_shows_the_secret_that_it_was_given(
    issuer: Issuer, attempt: Attempt, tmp_path: Path
) -> None:
    """Where the issuer wants one; the file is read each time, so it can be replaced."""
    issuer.secret = "4" * 32
    sent = came_back(issuer, attempt)
    with pytest.raises(IssuerError, match="400"):
        finish(attempt, NOW_S, sent["code"], NOW)
    file = write_secret(tmp_path / "secret", issuer.secret)
    table = attempt.issuer.model_copy(update={"secret_file": file})
    with_secret = attempt._replace(issuer=table)
    sent = came_back(issuer, with_secret, sub="ada")
    assert finish(with_secret, NOW_S, sent["code"], NOW).subject == "ada"


def test_an_issuer_without_a_place_to_sign_in_is_told(issuer: Issuer, attempt: Attempt) -> None:
    """As one that names an address that is not safe."""
    for where in ("javascript:alert(1)", "http://login.example/", "file:///etc/passwd"):
        issuer.describe(authorization_endpoint=where)
        with pytest.raises(IssuerError, match="authorization_endpoint"):
            address_of(attempt, NOW)
