"""At a provider that keeps no tags: a prompt on a telephone, and what comes of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.providers.clock import Clock
from tests.support.providers.fake_clickpesa import FakeClickPesa
from tests.till.programs import ProgramPlace
from wire_format.lines import Money

PHONE = "255712345678"


class ClickPesaPlace(ProgramPlace):
    """A till that has an account at ClickPesa alone."""

    def __init__(self, folder: Path, clickpesa: FakeClickPesa) -> None:
        self.clickpesa = clickpesa
        super().__init__(folder)

    def account(self) -> dict[str, Any]:
        """Its account."""
        return {
            "name": "clickpesa-tz",
            "kind": "clickpesa",
            "account": self.clickpesa.client_id,
            "key_file": self.secret("key", self.clickpesa.key),
            "secret_files": [self.secret("hook_secret", self.clickpesa.checksum_key or "")],
            "base_url": self.clickpesa.url,
            "currencies": ["TZS"],
        }

    def prompt(self, user: str) -> str:
        """A customer is asked on a telephone; the attempt."""
        found = self.checkout(user, currency="TZS", method="prompt", phone=PHONE)
        assert found["url"] is None
        return str(found["attempt"])

    def tell(self, event: str, payment: str) -> int:
        """Post an event."""
        body = self.clickpesa.event_body(event, payment)
        url = f"http://{self.public}/hooks/clickpesa-tz"
        return requests.post(url, data=body, timeout=60).status_code


@pytest.fixture
def clickpesa() -> Iterator[FakeClickPesa]:
    with FakeClickPesa(Clock(None)) as fake:
        yield fake


@pytest.fixture
def place(tmp_path: Path, clickpesa: FakeClickPesa) -> ClickPesaPlace:
    return ClickPesaPlace(tmp_path, clickpesa)


def shown(lines: list[Money]) -> list[tuple[str, str, str | None]]:
    return [(line.kind, line.user, line.status or line.reason) for line in lines]


def test_a_prompt_that_is_paid_is_credited_as_promised(
    place: ClickPesaPlace, clickpesa: FakeClickPesa
) -> None:
    with place.serving():
        attempt = place.prompt("alice")
        assert clickpesa.orders[attempt].is_prompt
        place.wait_pushed()
        clickpesa.clock.advance(seconds=5)
        payment = clickpesa.pay(attempt)
        assert place.tell("PAYMENT RECEIVED", payment) == 200
        failed = place.prompt("alice")
        assert place.tell("PAYMENT FAILED", clickpesa.fail(failed)) == 200
    lines = place.lines()
    assert shown(lines)[:2] == [("pending", "alice", None), ("payment", "alice", "succeeded")]
    assert (lines[1].external_ref, lines[1].credited_usd) == (payment, "20.00")
    assert (lines[1].amount, lines[1].attempt) == ("52632", attempt)
    assert place.run("sweep").ok()
    assert len([line for line in place.lines() if line.kind == "payment"]) == 1


def test_a_sweep_alone_finds_it(place: ClickPesaPlace, clickpesa: FakeClickPesa) -> None:
    with place.serving():
        attempt = place.prompt("alice")
    clickpesa.clock.advance(seconds=5)
    clickpesa.pay(attempt, amount="1000")
    place.run("sweep").ok()
    assert shown(place.lines())[1:] == [("payment", "alice", "undecided")]
    status = place.run("status", "--json")
    assert status.code == 1
    assert [fault["what"] for fault in status.json["faults"]] == ["other amount"]
    ref = status.json["faults"][0]["ref"]
    place.run("acknowledge", "clickpesa-tz", ref).ok()
    place.run("status").ok()
    assert place.run("acknowledge", "clickpesa-tz", "other").code == 1


def test_the_telephone_is_written_down_nowhere(
    place: ClickPesaPlace, clickpesa: FakeClickPesa
) -> None:
    with place.serving():
        for _ in range(3):
            place.prompt("alice")
        body = {"user": "bob", "usd": "20", "currency": "TZS", "method": "prompt", "phone": PHONE}
        urls = {"success_url": "https://portal.example/", "cancel_url": "https://portal.example/"}
        refused = requests.post(f"http://{place.local}/checkout", json=body | urls, timeout=60)
        assert refused.status_code == 429
        clickpesa.faults.add(500, "ussd", times=9)
        body |= {"phone": "255712345679"}
        down = requests.post(f"http://{place.local}/checkout", json=body | urls, timeout=60)
        assert down.status_code == 503
        place.said += refused.text + down.text
    for text in (PHONE, "255712345679"):
        assert text not in place.said
        for file in place.folder.rglob("*"):
            assert not file.is_file() or text.encode() not in file.read_bytes(), file
    with closing(sqlite3.connect(place.home / "till.db")) as database:
        kept = database.execute("SELECT count(*) FROM checkouts WHERE number <> ''").fetchone()
    assert kept == (4,)
