"""The keys of an issuer: fetched seldom, from it alone, and believed for a day without it."""

import asyncio
import json

import pytest

from gitmeter.http_edge.client import HttpClient
from portal.issuers.description import DESCRIPTION, IssuerError, keys_of
from portal.issuers.jwk import VerifyingKey
from portal.issuers.key_sets import AGAIN_S, BELIEVED_S, FRESH_S, KeySet
from tests.portal.issuers.issuer import KEYS, Issuer, public_jwk


def fetched_keys(issuer: str) -> dict[str, VerifyingKey]:
    """The keys of an issuer, asked for once."""
    with HttpClient() as client:
        return keys_of(client, issuer)


async def until_asked() -> None:
    """Wait until an issuer that is being asked has answered."""
    running = asyncio.current_task()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not running))


class Clock:
    """A clock that stands."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def test_a_stranger_makes_the_portal_ask_once_a_minute(issuer: Issuer) -> None:
    """Whatever keys are named, and by however many at once."""
    clock = Clock()

    async def ask() -> None:
        keys = KeySet(issuer.url, clock)
        found = await asyncio.gather(*(keys.key(f"made up {number}") for number in range(50)))
        assert found == [None] * 50
        assert issuer.asked.count("/keys") == 1
        clock.now_s += AGAIN_S - 1
        assert await keys.key("gone") is None
        assert issuer.asked.count("/keys") == 1
        clock.now_s += 2
        assert await keys.key("gone") is None
        assert issuer.asked.count("/keys") == 2
        assert await keys.key("EdDSA") is not None

    asyncio.run(ask())


def test_a_new_key_is_found_and_one_that_was_taken_back_opens_nothing(issuer: Issuer) -> None:
    """The first with the token that names it, the second within an hour."""
    clock = Clock()

    async def ask() -> None:
        keys = KeySet(issuer.url, clock)
        assert await keys.key("EdDSA") is not None
        issuer.publish(public_jwk("ES256", KEYS["ES256"], "new"))
        assert await keys.key("EdDSA") is not None
        clock.now_s += AGAIN_S + 1
        assert await keys.key("new") is not None
        assert await keys.key("EdDSA") is None
        issuer.publish()
        clock.now_s += FRESH_S + 1
        assert await keys.key("new") is not None  # while the issuer is asked
        await until_asked()
        assert await keys.key("new") is None

    asyncio.run(ask())


def test_without_its_issuer_a_key_is_believed_for_a_day(issuer: Issuer) -> None:
    """Then no longer: it may have been taken back."""
    clock = Clock()

    async def ask() -> None:
        keys = KeySet(issuer.url, clock)
        assert await keys.key("EdDSA") is not None
        issuer.answers.clear()
        for _ in range(23):
            clock.now_s += FRESH_S
            assert await keys.key("EdDSA") is not None
            await until_asked()
        clock.now_s += BELIEVED_S - 23 * FRESH_S + 1
        assert await keys.key("EdDSA") is None

    asyncio.run(ask())


def test_nobody_whose_key_is_known_waits_for_a_slow_issuer(issuer: Issuer) -> None:
    """It is asked meanwhile, once."""
    clock = Clock()

    async def ask() -> None:
        keys = KeySet(issuer.url, clock)
        await keys.key("EdDSA")
        issuer.delay_s = 1
        clock.now_s += FRESH_S + 1
        for _ in range(3):
            assert await keys.key("EdDSA") is not None
            assert len(asyncio.all_tasks()) == 2
        issuer.delay_s = 0
        await until_asked()
        assert issuer.asked.count("/keys") == 2

    asyncio.run(ask())


def test_the_only_key_needs_no_name(issuer: Issuer) -> None:
    """Of several one has to be named."""

    async def ask() -> None:
        assert await KeySet(issuer.url).key(None) is None
        only = public_jwk("EdDSA", KEYS["EdDSA"], "x")
        del only["kid"]
        issuer.publish(only)
        assert await KeySet(issuer.url).key(None) is not None

    asyncio.run(ask())


def test_keys_come_from_the_issuer_alone(issuer: Issuer) -> None:
    """Of its own name, from an address that is safe, without redirects, of a bounded size."""
    assert set(fetched_keys(issuer.url)) == set(KEYS)
    for stated, why in (
        ({"issuer": "https://evil.example", "jwks_uri": f"{issuer.url}/keys"}, "calls itself"),
        ({"issuer": issuer.url, "jwks_uri": "http://login.example/keys"}, "jwks_uri"),
        ({"issuer": issuer.url, "jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        ({"issuer": issuer.url}, "jwks_uri"),
        ({"issuer": issuer.url, "jwks_uri": f"{issuer.url}/none"}, "404"),
    ):
        issuer.answers[DESCRIPTION] = 200, {}, json.dumps(stated).encode()
        with pytest.raises(IssuerError, match=why):
            fetched_keys(issuer.url)
    issuer.describe(jwks_uri=f"{issuer.url}/moved")
    issuer.answers["/moved"] = 302, {"Location": f"{issuer.url}/keys"}, b""
    with pytest.raises(IssuerError, match="302"):
        fetched_keys(issuer.url)
    for body, why in ((b" " * (300 << 10), "bytes"), (b"<html>", "JSON"), (b"[]", "JSON")):
        issuer.answers["/moved"] = 200, {}, body
        with pytest.raises(IssuerError, match=why):
            fetched_keys(issuer.url)
