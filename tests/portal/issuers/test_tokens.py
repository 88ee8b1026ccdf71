"""Tokens of an issuer open what their subject's account may, and nothing else opens anything."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives import hmac
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import OKPAlgorithm

from portal.records.identities import IDENTITIES
from tests.portal.issuers.issuer import AUDIENCE, KEYS, Issuer, public_jwk
from tests.portal.place import PortalPlace, problem

SUBJECT: Final = "248289761001"


@pytest.fixture
def place(tmp_path: Path, issuer: Issuer) -> Iterator[PortalPlace]:
    """A portal that takes its tokens; alice has 20 dollars, bob nothing."""
    found = PortalPlace(
        tmp_path, issuer=[{"url": issuer.url, "audience": AUDIENCE}], guesses_per_minute=1_000
    )
    found.world.pay_in("20.00")
    found.pull()
    with found.serving():
        yield found


def let_in(place: PortalPlace, issuer: Issuer, user: str = "alice", subject: str = SUBJECT) -> str:
    """Say that a person has an account; returns the name of the identity."""
    assert place.desk is not None
    return place.desk.identities.add(issuer.url, subject, user, place.world.now)[0].name


@pytest.mark.parametrize("algorithm", sorted(KEYS))
def test_a_token_opens_the_account_of_its_subject(
    place: PortalPlace, issuer: Issuer, algorithm: str
) -> None:
    """Of each algorithm; the answers are those for a key, and no line has the subject."""
    name = let_in(place, issuer)
    client = place.client(issuer.token(place.world.now.timestamp(), algorithm))
    assert client.json("/v1/balance")["balance_usd"] == "20.00"
    said = client.json("/v1/me")
    assert (said["user"], said["key_id"], said["identity"]) == ("alice", None, name)
    made = client.ask("POST", "/v1/keys", json={"scopes": ["balance:read"]})
    assert made.status_code == 201
    assert place.client(made.json()["key"]).json("/v1/balance")["balance_usd"] == "20.00"
    assert place.desk is not None
    (line,) = place.desk.unbilled.about("alice")
    assert line.record.by == f"customer:{name}"


def _signed(
    issuer: Issuer,
    now: float,
    headers: dict[str, Any] | None = None,
    **claims: Any,  # noqa: ANN401
) -> str:
    """A genuine token with further headers and claims."""
    token = issuer.token(now, **claims)
    stated = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(stated, KEYS["EdDSA"], "EdDSA", headers={"kid": "EdDSA", **(headers or {})})


def _altered(issuer: Issuer, now: float) -> str:
    head, _, signature = issuer.token(now, sub="mallory").split(".")
    claims = jwt.decode(issuer.token(now), options={"verify_signature": False})
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def _by_public_key(issuer: Issuer, now: float) -> str:
    """HS256 with what everybody can read: the confusion of algorithms."""
    claims = jwt.decode(issuer.token(now), options={"verify_signature": False})
    public = json.dumps(public_jwk("RS256", KEYS["RS256"], "RS256")).encode()

    def part(value: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    said = part({"alg": "HS256", "kid": "RS256", "typ": "JWT"}) + b"." + part(claims)
    sealing = hmac.HMAC(public, SHA256())
    sealing.update(said)
    return (said + b"." + base64.urlsafe_b64encode(sealing.finalize()).rstrip(b"=")).decode()


def _unsigned(issuer: Issuer, now: float) -> str:
    claims = jwt.decode(issuer.token(now), options={"verify_signature": False})
    return jwt.encode(claims, "", "none", headers={"kid": "EdDSA"}) + "AAAA"


def _of_another_key(issuer: Issuer, now: float) -> str:
    """With the key in its own head, and an address where the key is."""
    key = ed25519.Ed25519PrivateKey.generate()
    claims = jwt.decode(issuer.token(now), options={"verify_signature": False})
    own = public_jwk("EdDSA", key, "EdDSA")
    issuer.answers["/mine"] = 200, {}, json.dumps({"keys": [own]}).encode()
    headers = {"kid": "EdDSA", "jwk": own, "jku": f"{issuer.url}/mine", "x5u": f"{issuer.url}/mine"}
    return jwt.encode(claims, key, "EdDSA", headers=headers)


REFUSED: Final[dict[str, Callable[[Issuer, float], str]]] = {
    "altered": _altered,
    "by the public key": _by_public_key,
    "unsigned": _unsigned,
    "by a key that it brings": _of_another_key,
    "another issuer's": lambda issuer, now: _signed(issuer, now, iss="https://evil.example"),
    "almost this issuer's": lambda issuer, now: _signed(issuer, now, iss=f"{issuer.url}/"),
    "for somebody else": lambda issuer, now: _signed(issuer, now, aud="shop"),
    "for nobody": lambda issuer, now: _signed(issuer, now, aud=None),
    "for several, asked for by another": lambda issuer, now: _signed(
        issuer, now, aud=["shop", AUDIENCE], azp="shop"
    ),
    "for several, asked for by nobody": lambda issuer, now: _signed(
        issuer, now, aud=["shop", AUDIENCE]
    ),
    "ended": lambda issuer, now: _signed(issuer, now, exp=int(now) - 61),
    "without an end": lambda issuer, now: _signed(issuer, now, exp=None),
    "with an end that is no number": lambda issuer, now: _signed(issuer, now, exp=float("nan")),
    "with an end of 400 digits": lambda issuer, now: _signed(issuer, now, exp=10**400),
    "that never ends": lambda issuer, now: _signed(issuer, now, exp=float("inf")),
    "not in force yet": lambda issuer, now: _signed(issuer, now, nbf=int(now) + 61),
    "issued later": lambda issuer, now: _signed(issuer, now, iat=int(now) + 61),
    "without a beginning": lambda issuer, now: _signed(issuer, now, iat=None),
    "of nobody": lambda issuer, now: _signed(issuer, now, sub=None),
    "of no name": lambda issuer, now: _signed(issuer, now, sub=""),
    "with an extension": lambda issuer, now: _signed(issuer, now, {"crit": ["x"], "x": 1}),
    "of a key of another name": lambda issuer, now: _signed(issuer, now, {"kid": "ES256"}),
    "of a key that nobody has": lambda issuer, now: _signed(issuer, now, {"kid": "gone"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_genuine_opens_nothing(place: PortalPlace, issuer: Issuer, case: str) -> None:
    """Each differs in one thing from a token that opens, and is refused without saying in what."""
    let_in(place, issuer)
    now = place.world.now.timestamp()
    assert place.client(issuer.token(now)).get("/v1/balance").status_code == 200
    refused = place.client(REFUSED[case](issuer, now)).get("/v1/balance")
    assert problem(refused) == (401, "unauthorized")
    assert "/mine" not in issuer.asked


def test_a_token_holds_a_minute_longer_than_its_clock_says(
    place: PortalPlace, issuer: Issuer
) -> None:
    """Clocks are a little apart; with several readers it is for the one who asked for it."""
    let_in(place, issuer)
    now = place.world.now.timestamp()
    for claims in (
        {"exp": int(now) - 59},
        {"nbf": int(now) + 59},
        {"iat": int(now) + 59},
        {"aud": ["shop", AUDIENCE], "azp": AUDIENCE},
        {"iat": None, "nbf": int(now)},
    ):
        assert place.client(_signed(issuer, now, **claims)).get("/v1/me").status_code == 200


def test_weak_and_foreign_keys_of_a_set_are_passed_over(place: PortalPlace, issuer: Issuer) -> None:
    """Short RSA, keys for encryption, private keys, and what is no key at all."""
    let_in(place, issuer)
    weak = rsa.generate_private_key(65_537, 1024)  # noqa: S505 - that is the point
    secret = ed25519.Ed25519PrivateKey.generate()
    private = {**json.loads(OKPAlgorithm.to_jwk(secret)), "kid": "secret"}
    encrypting = {**public_jwk("RS256", KEYS["RS256"], "enc"), "use": "enc"}
    good = public_jwk("ES256", KEYS["ES256"], "ES256")
    strange: list[Any] = [{}, {"kty": "RSA", "kid": "r"}, {"kty": ["RSA"], "kid": 7}, "RSA"]
    issuer.publish(*strange, public_jwk("RS256", weak, "weak"), private, encrypting, good)
    now = place.world.now.timestamp()
    claims = jwt.decode(issuer.token(now), options={"verify_signature": False})
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        by_weak = jwt.encode(claims, weak, "RS256", headers={"kid": "weak"})
    signed = (
        by_weak,
        jwt.encode(claims, secret, "EdDSA", headers={"kid": "secret"}),
        jwt.encode(claims, KEYS["RS256"], "RS256", headers={"kid": "enc"}),
    )
    assert place.client(issuer.token(now, "ES256")).get("/v1/me").status_code == 200
    for token in signed:
        assert problem(place.client(token).get("/v1/me")) == (401, "unauthorized")


def test_a_subject_without_an_account_is_told_what_the_operator_needs(
    place: PortalPlace, issuer: Issuer
) -> None:
    """Nothing is opened until the operator says so; then at once, and only this subject."""
    client = place.client(issuer.token(place.world.now.timestamp()))
    refused = client.get("/v1/balance")
    assert problem(refused) == (403, "no-account")
    assert (refused.json()["issuer"], refused.json()["subject"]) == (issuer.url, SUBJECT)
    let_in(place, issuer, "bob", subject="another")
    assert problem(client.get("/v1/balance")) == (403, "no-account")
    let_in(place, issuer)
    assert client.get("/v1/balance").status_code == 200


def test_a_person_who_was_erased_is_nowhere(place: PortalPlace, issuer: Issuer) -> None:
    """Their token opens nothing from the next request on, and no byte of them is on disk."""
    let_in(place, issuer)
    client = place.client(issuer.token(place.world.now.timestamp()))
    assert client.ask("POST", "/v1/keys", json={"scopes": ["balance:read"]}).status_code == 201
    assert place.desk is not None
    place.pushed()
    place.desk.identities.erase(place.desk.identities.all())
    assert problem(client.get("/v1/balance")) == (403, "no-account")
    files = [each for each in place.world.folder.rglob("*") if each.is_file()]
    assert any(each.name == IDENTITIES.name for each in files)
    assert not any(SUBJECT.encode() in each.read_bytes() for each in files)


def test_a_person_is_what_the_ledger_says_of_the_account(
    place: PortalPlace, issuer: Issuer
) -> None:
    """Suspended it writes nothing; as staff it has the role, until the books end it."""
    let_in(place, issuer)
    client = place.client(issuer.token(place.world.now.timestamp()))
    assert problem(client.get("/v1/accounts")) == (404, "not-found")
    place.world.settle("staff", user="alice", identity="staff:a", role="support")
    place.pull()
    assert client.get("/v1/accounts").status_code == 200
    place.world.settle("suspend", user="alice")
    place.pull()
    assert problem(client.get("/v1/accounts")) == (404, "not-found")
    made = client.ask("POST", "/v1/keys", json={"scopes": ["balance:read"]})
    assert problem(made) == (403, "suspended")
    assert client.get("/v1/balance").status_code == 200


def test_a_network_that_shows_many_wrong_tokens_waits(tmp_path: Path, issuer: Issuer) -> None:
    """The owner of a right one in that network does not."""
    named = [{"url": issuer.url, "audience": AUDIENCE}]
    place = PortalPlace(tmp_path, issuer=named, guesses_per_minute=5)
    place.pull()
    with place.serving():
        let_in(place, issuer)
        now = place.world.now.timestamp()
        wrong = place.client(_altered(issuer, now))
        found = [problem(wrong.get("/v1/me")) for _ in range(7)]
        assert found[0] == (401, "unauthorized")
        assert found[-1] == (429, "too-many-requests")
        assert place.client(issuer.token(now)).get("/v1/me").status_code == 200
