"""A simulated Stripe, as a server and as the people behind it; see the folder's docstring."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.providers import stripe_pages
from tests.support.providers.clock import Clock
from tests.support.providers.faults import Faults
from tests.support.providers.forms import Json, nested
from tests.support.providers.hooks import Hook, Hooks
from tests.support.providers.serving import Serving
from tests.support.providers.stripe_api import RIGHTS, Asked, StripeApi, StripeKey
from tests.support.providers.stripe_cards import StripeCards
from tests.support.providers.stripe_objects import StripeObjects, live_of, shown
from tests.support.providers.worth import Worth

ACCOUNT: Final = "acct_1Fake"
DELAYED: Final = stripe_pages.DELAYED


class FakeStripe(Serving, stripe_pages.StripePages):
    """One account at a Stripe of our own, until the `with` block ends.

    Args:
        clock: its time.
        account: its name.

    Attributes:
        key: a secret key of live mode, for everything.
        test_key: one of test mode.
        secret: what webhooks are signed with.
        hooks: the webhooks.
        faults: what is wrong with answers.
        objects: everything that is there.
        cards: customers with their cards, and what comes of charging those.
        api: the requests that came (`api.asked`), and the keys.
    """

    def __init__(self, clock: Clock | None = None, account: str = ACCOUNT) -> None:
        self.clock = clock or Clock()
        self.key, self.test_key = "sk_live_51FakeOwner", "sk_test_51FakeOwner"
        self.secret = "whsec_fake0123456789abcdef"  # noqa: S105 - of a fake
        self.hooks = Hooks(self.signed)
        self.faults = Faults()
        self.objects = StripeObjects(self.clock, self._tell)
        self.cards = StripeCards(self.objects)
        self.api = StripeApi(self.objects, self.cards, account)
        for key in (self.key, self.test_key):
            self.api.keys[key] = StripeKey(key, "_live_" in key, RIGHTS)
        self._numbers = itertools.count(1)
        routes = [Route("/{path:path}", self._serve, methods=["GET", "POST", "DELETE"])]
        super().__init__(Starlette(routes=routes))

    def restricted_key(self, *rights: str, is_live: bool = True) -> str:
        """A key that may do only so much: `read`, `checkout`, `cards`, `charge`, `refund`."""
        mode = "live" if is_live else "test"
        secret = f"rk_{mode}_51Fake{next(self._numbers)}"
        self.api.keys[secret] = StripeKey(secret, is_live, frozenset(rights))
        return secret

    async def _serve(self, request: Request) -> Response:
        if (wrong := self.faults.spoiled(request.url.path)) is not None:
            return wrong
        body = await request.body()
        pairs = parse_qsl((body.decode() or request.url.query), keep_blank_values=True)
        asked = Asked(
            request.method,
            request.url.path,
            nested(pairs),
            request.headers.get("idempotency-key", ""),
        )
        secret = request.headers.get("authorization", "").removeprefix("Bearer ")
        status, answer = self.api.answer(asked, secret)
        if self.faults.loses(request.url.path):
            return Response(status_code=504)
        return JSONResponse(answer, status, {"Request-Id": f"req_{next(self._numbers)}"})

    # the operator's dashboard, and other programs of the account

    def elsewhere(
        self,
        amount: int = 500,
        currency: str = "usd",
        metadata: Json | None = None,
        *,
        is_live: bool = True,
    ) -> str:
        """A payment that another program of this account took, or a thief made."""
        with self.objects.lock:
            intent = self.objects.make_intent(amount, currency, metadata or {}, is_live=is_live)
            self.objects.charge(intent, "card", "succeeded")
            self.objects.succeed(intent)
            return str(intent["id"])

    def retag(self, payment: str, tag: str | None) -> None:
        """Change or remove the tag on a payment, later."""
        with self.objects.lock:
            metadata = self.objects.by_id[payment]["metadata"]
            metadata.pop("gitmeter", None)
            if tag is not None:
                metadata["gitmeter"] = tag

    def refund(self, payment: str, amount: int | None = None, status: str | None = None) -> str:
        """Give money back by hand, as `pending`, `requires_action`, `failed` or `canceled`."""
        with self.objects.lock:
            intent = self.objects.by_id[payment]
            return str(self.objects.refund(intent, amount, status, {})["id"])

    def change_refund(self, refund: str, status: str) -> None:
        """A refund goes on, as from `succeeded` to `failed`."""
        with self.objects.lock:
            self.objects.change_refund(self.objects.by_id[refund], status)

    # banks

    def inquire(self, payment: str, amount: int | None = None) -> str:
        """A bank asks only: no money moves. Returns the dispute."""
        with self.objects.lock:
            intent = self.objects.by_id[payment]
            given = intent["amount_received"] if amount is None else amount
            return str(self.objects.dispute(intent, given, "warning_needs_response")["id"])

    def dispute(self, payment: str, amount: int | None = None) -> str:
        """A bank takes money back; the amount may exceed the payment. Returns the dispute."""
        with self.objects.lock:
            intent = self.objects.by_id[payment]
            given = intent["amount_received"] if amount is None else amount
            dispute = self.objects.dispute(intent, given, "needs_response")
            self.objects.move_disputed(dispute, -given)
            return str(dispute["id"])

    def escalate(self, dispute: str) -> None:
        """An inquiry becomes a dispute: the money goes."""
        with self.objects.lock:
            found = self.objects.by_id[dispute]
            found["status"] = "needs_response"
            self.objects.move_disputed(found, -found["amount"])

    def reinstate(self, dispute: str, amount: int | None = None) -> None:
        """Money of a dispute comes back, all of it or a part."""
        with self.objects.lock:
            found = self.objects.by_id[dispute]
            self.objects.move_disputed(found, found["amount"] if amount is None else amount)

    def close_dispute(self, dispute: str, status: str) -> None:
        """`won` brings the money back; `lost`, `warning_closed` and others move none."""
        with self.objects.lock:
            found = self.objects.by_id[dispute]
            if status == "won":
                self.objects.move_disputed(found, found["amount"])
            found["status"] = status
            self.objects.event("charge.dispute.closed", found)

    # its own books, and its webhooks

    def money(self) -> dict[str, Worth]:
        """What every payment is worth now, whoever knows of it."""
        return self.objects.money()

    def signed(
        self, body: bytes, *, secrets: Iterable[str] | None = None, age_s: int = 0
    ) -> dict[str, str]:
        """The headers of a webhook: signed by these secrets, so many seconds ago."""
        unix = self.clock.unix - age_s
        macs = [
            hmac.new(secret.encode(), b"%d." % unix + body, hashlib.sha256).hexdigest()
            for secret in (secrets or [self.secret])
        ]
        return {"Stripe-Signature": ",".join([f"t={unix}", *(f"v1={mac}" for mac in macs)])}

    def event_body(self, type_: str, about: str, *, thin: bool = False) -> bytes:
        """The body of an event about an object, as it is now; thin ones have its id alone."""
        return self._body(type_, self.objects.by_id[about], thin=thin)

    def _tell(self, type_: str, about: Json) -> None:
        self.hooks.add(Hook(self._body(type_, about), type_))

    def _body(self, type_: str, about: Json, *, thin: bool = False) -> bytes:
        event: dict[str, Any] = {
            "id": f"evt_3F{next(self._numbers):08d}",
            "object": "v2.core.event" if thin else "event",
            "type": type_,
            "created": self.clock.unix,
            "livemode": live_of(about),
        }
        if thin:
            event["related_object"] = {"id": about["id"], "type": about["object"]}
        else:
            event["data"] = {"object": shown(about)}
        return json.dumps(event, indent=2).encode()
