"""`make run-portal` opens pages with a key, and a payment that begins there is in the balance."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.portal.pages.visitor import Visitor, signed_in

LIMIT_S = 120


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, str, str]]:
    """The demo while it runs: the address of the pages, and the keys of customer and staff."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fixtures.portal_demo", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        while "without a card" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        address, key, staff_key = re.findall(r"http://[0-9.:]+|oc_live_[0-9a-f]{32}", said)
        yield address, key, staff_key
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0


def left(visitor: Visitor) -> str:
    found = re.search(r'class="figure">(\S+) <small>', visitor.page("/"))
    assert found is not None
    return found[1]


def test_a_payment_that_begins_at_the_pages_is_in_the_balance(tmp_path: Path) -> None:
    with demo(tmp_path / "demo") as (address, key, staff_key):
        acme = signed_in(address, key)
        assert "starter" in acme.page("/plan")
        before, until_s = left(acme), time.monotonic() + LIMIT_S
        assert acme.send("/credit", "/credit", usd="20.00", pay_by="page USD").status_code == 200
        while left(acme) == before:
            assert time.monotonic() < until_s
            time.sleep(1)
        assert acme.send("/plan", "/plan/buy", plan="pro", upgrade="yes").status_code == 303
        staff, page = signed_in(address, staff_key), "/house/accounts/acme/credit"
        given = {"template": "sorry", "reason": "outage", "ticket": "T-1"}
        assert staff.send(page, f"{page}/give", **given).status_code == 303
        while "outage T-1" not in staff.page("/house/feed?which=acts"):
            assert time.monotonic() < until_s
            time.sleep(1)
