"""A till of this machine, as far as a portal asks it: a real server, which says what it is told."""

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.support.local_http import LocalHttpServer

AMOUNT_MAX: Final = "100.00"
MONTH_MAX: Final = "500.00"
CONFIRM_URL: Final = "https://pay.example/confirm/1"
PAGE_URL: Final = "https://pay.example/page/1"


class LocalTill(LocalHttpServer):
    """Answers on 127.0.0.1 until the `with` block ends.

    Attributes:
        cards: of each account.
        attempts: of each account.
        asked: the body of every checkout.
        keeps_cards: whether it saves any.
        is_down: whether it answers nothing but 500.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.cards: dict[str, list[dict[str, str]]] = {}
        self.attempts: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[dict[str, Any]] = []
        self.keeps_cards = True
        self.is_down = False

    @property
    def url(self) -> str:
        """Where payments begin."""
        return f"http://127.0.0.1:{self.server_port}/checkout"

    def save(self, user: str, method: str = "pm_1", last4: str = "4242") -> None:
        """Let an account have a card."""
        card = {"account": "stripe", "method": method, "brand": "visa", "last4": last4}
        self.cards.setdefault(user, []).insert(0, {**card, "expires": "2027-09"})

    def wait_for(self, user: str, attempt: str, url: str | None = CONFIRM_URL) -> None:
        """Let the bank of an account ask about an attempt."""
        self.attempts.setdefault(user, []).insert(
            0,
            {
                "account": "stripe",
                "attempt": attempt,
                "payment": "pi_9",
                "status": "needs customer",
                "reason": "authentication_required",
                "url": url,
                "created_at": "2026-11-02T00:10:00Z",
            },
        )


class _RefusedError(Exception):
    """Why something is refused: the kind, and the status of HTTP."""


class _Handler(BaseHTTPRequestHandler):
    server: LocalTill
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say something."""
        parts = urlsplit(self.path)
        user = parse_qs(parts.query).get("user", [""])[0]
        self._answer(parts.path, user, {})

    def do_POST(self) -> None:
        """Do something."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        assert self.headers["Content-Type"] == "application/json"
        self._answer(self.path, body["user"], body)

    def _answer(self, path: str, user: str, body: dict[str, Any]) -> None:
        try:
            said, status, kind = self._said(path, user, body), 200, "application/json"
        except _RefusedError as refused:
            name, status = refused.args
            kind = "application/problem+json"
            said = {"type": f"urn:gitmeter:problem:{name}", "detail": f"refused: {name}"}
        sent = json.dumps(said).encode()
        self.send_response_only(HTTPStatus(status))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def _said(self, path: str, user: str, body: dict[str, Any]) -> dict[str, Any]:
        server = self.server
        if server.is_down:
            raise _RefusedError("failed", 500)
        if path == "/terms":
            if not server.keeps_cards:
                raise _RefusedError("cards-not-offered", 404)
            return {"consent_max_usd": AMOUNT_MAX, "consent_month_max_usd": MONTH_MAX}
        if path == "/cards":
            return {"cards": server.cards.get(user, [])}
        if path == "/attempts":
            return {"attempts": server.attempts.get(user, [])}
        if path == "/cards/remove":
            return {"removed": self._remove(user, body)}
        if path == "/checkout":
            return self._checkout(user, body)
        raise _RefusedError("not-found", 404)

    def _remove(self, user: str, body: dict[str, Any]) -> bool:
        kept = self.server.cards.get(user, [])
        named = [
            card
            for card in kept
            if (card["account"], card["method"]) == (body["account"], body["method"])
        ]
        self.server.cards[user] = [card for card in kept if card not in named]
        return bool(named)

    def _checkout(self, user: str, body: dict[str, Any]) -> dict[str, Any]:
        self.server.asked.append(body)
        terms = body.get("save_card")
        if terms is not None:
            if not self.server.keeps_cards:
                raise _RefusedError("cards-not-offered", 422)
            is_within = float(terms["amount_usd"]) <= float(AMOUNT_MAX)
            if not is_within or float(terms["month_usd"]) > float(MONTH_MAX):
                raise _RefusedError("beyond-consent", 422)
        return {
            "url": PAGE_URL,
            "attempt": f"topup:{user}:0123456789abcdef",
            "expires_at": "2026-11-02T01:00:00Z",
            "usd": body["usd"],
            "amount": body["usd"],
            "currency": "USD",
        }

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Requests are kept, not printed."""
