"""Webhooks as a forge sends them: signed, once, in a thread of their own."""

import hashlib
import hmac
import queue
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

import orjson
import requests

from tests.support.forge.commits import COMMITS_MAX, new_commits
from tests.support.forge.organisation import Organisation
from tests.support.forge.records import Flavour, Hook, Repo, Right
from tests.support.forge.views import Json, Places, repository, user
from tests.support.forge_git.globs import matches
from tests.support.forge_git.pre_receive import ZERO

_TIMEOUT_S: Final = 5

Fate = Literal["deliver", "drop", "duplicate", "hold"]


@dataclass
class Delivery:
    """What was sent to a hook, and what came of it.

    Attributes:
        uuid: the delivery id; a duplicate has the same.
        url: with what happened in `payload`, where the hook's method is `get`.
        body: empty where the hook's method is `get`.
        status: what the receiver answered; None when nothing was sent or nothing came back.
        error: why nothing came back.
    """

    hook_id: int
    uuid: str
    url: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"
    status: int | None = None
    error: str = ""


class Webhooks:
    """Sends what is pushed to every hook of the organisation and of the repo that wants it.

    Args:
        org: whose hooks.
        places: where the forge is reached.

    Attributes:
        fate: what becomes of a delivery from now on: it is delivered, dropped, sent twice, or held
            until `release`.
        deliveries: those that were tried, in order.
        blocked_hosts: not on the forge's ALLOWED_HOST_LIST: nothing is sent there, and nothing
            says so.
    """

    def __init__(self, org: Organisation, places: Callable[[], Places]) -> None:
        self.fate: Fate = "deliver"
        self.deliveries: list[Delivery] = []
        self.blocked_hosts: set[str] = set()
        self._org = org
        self._places = places
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._held: list[Delivery] = []
        self._done = threading.Condition()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send_all, daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End; what waits is not sent."""
        self._over.set()
        self._queue.put(None)
        self._thread.join()

    def release(self) -> None:
        """Send what was held."""
        held, self._held = self._held, []
        for delivery in held:
            self._queue.put(delivery)

    def wait(self, count: int, timeout_s: int = 30) -> list[Delivery]:
        """The first `count` deliveries, once they were tried.

        Raises:
            TimeoutError: there were not so many in that time.
        """
        with self._done:
            if not self._done.wait_for(lambda: len(self.deliveries) >= count, timeout_s):
                raise TimeoutError(f"{len(self.deliveries)} of {count} deliveries were tried")
            return self.deliveries[:count]

    def push(self, repo: Repo, ref: str, before: str, after: str, pusher: str) -> None:
        """A branch or tag was pushed; deletions are not a push."""
        if after == ZERO:
            return
        wanted = [
            hook
            for hook in [*self._org.hooks.values(), *repo.hooks.values()]
            if hook.active and "push" in hook.events and self._lets_through(hook, ref)
        ]
        if not wanted:
            return
        body = orjson.dumps(
            self.push_body(repo, ref, before, after, pusher), option=orjson.OPT_INDENT_2
        )
        for hook in wanted:
            self._take(deliver_to(hook, "push", body, self._org.flavour))

    def _lets_through(self, hook: Hook, ref: str) -> bool:
        if urlsplit(hook.url).hostname in self.blocked_hosts:
            return False
        if hook.branch_filter in {"", "*"}:
            return True
        branch = ref.removeprefix("refs/heads/")
        return branch != ref and matches(hook.branch_filter, branch)

    def _take(self, delivery: Delivery) -> None:
        if self.fate == "hold":
            self._held.append(delivery)
        elif self.fate != "drop":
            for _ in range(2 if self.fate == "duplicate" else 1):
                self._queue.put(delivery)

    def push_body(self, repo: Repo, ref: str, before: str, after: str, pusher: str) -> Json:
        """What hooks are told of a push."""
        places = self._places()
        commits = new_commits(places, self._org, repo, before, after)
        who = user(places, places.org if pusher == "-" else pusher, 1)
        compare = f"{places.app_url}{places.org}/{repo.name}/compare/{before}...{after}"
        return {
            "ref": ref,
            "before": before,
            "after": after,
            "compare_url": compare,
            "commits": commits[:COMMITS_MAX],
            "total_commits": len(commits),
            "head_commit": commits[0] if commits else None,
            "repository": repository(places, repo, Right.ADMIN),
            "pusher": who,
            "sender": who,
        }

    def _send_all(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while (delivery := self._queue.get()) is not None and not self._over.is_set():
                try:
                    answer = session.request(
                        delivery.method,
                        delivery.url,
                        data=delivery.body,
                        headers=delivery.headers,
                        timeout=_TIMEOUT_S,
                        allow_redirects=False,
                    )
                    delivery.status = answer.status_code
                except requests.RequestException as error:
                    delivery.error = str(error)
                with self._done:
                    self.deliveries.append(delivery)
                    self._done.notify_all()


def deliver_to(hook: Hook, event: str, body: bytes, flavour: Flavour) -> Delivery:
    """A signed delivery to a hook."""
    id_ = str(uuid.uuid4())
    headers = {"User-Agent": "Go-http-client/1.1"}
    headers |= signature_headers(hook.secret.encode(), body, flavour)
    own = ("Forgejo",) if flavour == "forgejo" else ()
    for forge in (*own, "Gitea", "Gogs", "GitHub"):
        headers |= {
            f"X-{forge}-Delivery": id_,
            f"X-{forge}-Event": event,
            f"X-{forge}-Event-Type": event,
        }
    if hook.http_method == "get":
        url = f"{hook.url}{'&' if '?' in hook.url else '?'}{urlencode({'payload': body})}"
        return Delivery(hook.id, id_, url, headers, b"", "GET")
    headers["Content-Type"] = "application/json"
    return Delivery(hook.id, id_, hook.url, headers, body)


def signature_headers(secret: bytes, body: bytes, flavour: Flavour) -> dict[str, str]:
    """Every header that proves knowledge of the secret; empty ones without a secret."""
    sha1 = hmac.new(secret, body, hashlib.sha1).hexdigest() if secret else ""
    sha256 = hmac.new(secret, body, hashlib.sha256).hexdigest() if secret else ""
    own = {"X-Forgejo-Signature": sha256} if flavour == "forgejo" else {}
    return {
        **own,
        "X-Gitea-Signature": sha256,
        "X-Gogs-Signature": sha256,
        "X-Hub-Signature": f"sha1={sha1}",
        "X-Hub-Signature-256": f"sha256={sha256}",
    }
