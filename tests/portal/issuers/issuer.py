"""An issuer that answers over HTTP: its description, its keys, and tokens that it signs."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE: Final = "gitmeter"
KEYS: Final[Mapping[str, Any]] = {
    "RS256": rsa.generate_private_key(65_537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
"""One for each algorithm, named as it is."""
_JWK: Final[Mapping[str, Any]] = {
    "RS256": RSAAlgorithm,
    "ES256": ECAlgorithm,
    "EdDSA": OKPAlgorithm,
}


def public_jwk(algorithm: str, key: Any, name: str) -> dict[str, Any]:  # noqa: ANN401
    """The public half of a key, as a set lists it."""
    public = json.loads(_JWK[algorithm].to_jwk(key.public_key()))
    return {**public, "kid": name, "use": "sig", "alg": algorithm}


class Issuer:
    """An issuer.

    Attributes:
        url: of it.
        answers: by path: a status, headers and a body.
        asked: the paths that were asked for.
        secret: what clients must show; None for nothing.
        delay_s: how long it thinks.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.secret: str | None = None
        self.delay_s = 0.0
        self._codes: dict[str, tuple[str, str, str]] = {}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(issuer.delay_s)
                issuer.asked.append(self.path)
                status, headers, body = issuer.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                issuer.asked.append(self.path)
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, said = issuer.exchanged(
                    dict(parse_qsl(sent)), self.headers.get("Authorization")
                )
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.describe()
        self.publish(*(public_jwk(name, key, name) for name, key in KEYS.items()))

    def describe(self, **stated: str) -> None:
        """Say where what is."""
        said = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
        }
        self._say("/.well-known/openid-configuration", said | stated)

    def sign_in(self, address: str, now: float, **claims: Any) -> dict[str, str]:  # noqa: ANN401
        """What somebody is sent back with who has signed in at an address."""
        url = urlsplit(address)
        asked = dict(parse_qsl(url.query))
        assert f"{url.scheme}://{url.netloc}{url.path}" == f"{self.url}/authorize"
        assert asked["response_type"] == "code"
        assert asked["client_id"] == AUDIENCE
        assert asked["scope"] == "openid"
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        token = self.token(now, **{"nonce": asked["nonce"], **claims})
        self._codes[code] = asked["redirect_uri"], asked["code_challenge"], token
        return {"code": code, "state": asked["state"]}

    def exchanged(
        self, sent: Mapping[str, str], authorization: str | None
    ) -> tuple[int, dict[str, str]]:
        """What is answered to the exchange of a code: each once, and by who began."""
        back_url, challenge, token = self._codes.pop(sent.get("code", ""), ("", "", ""))
        digest = sha256(sent.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        expected = None if self.secret is None else f"{AUDIENCE}:{self.secret}".encode()
        is_client = sent.get("client_id") == AUDIENCE and (
            expected is None or authorization == f"Basic {base64.b64encode(expected).decode()}"
        )
        if not is_client or shown != challenge or sent.get("redirect_uri") != back_url:
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": token, "access_token": "x", "token_type": "Bearer"}

    def publish(self, *keys: Mapping[str, Any]) -> None:
        """List these keys and no others."""
        self._say("/keys", {"keys": keys})

    def token(self, now: float, algorithm: str = "EdDSA", **stated: Any) -> str:  # noqa: ANN401
        """A token of an hour; what is stated as None is left out."""
        claims = {
            "iss": self.url,
            "sub": "248289761001",
            "aud": AUDIENCE,
            "iat": int(now),
            "exp": int(now) + 3_600,
        } | stated
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, KEYS[algorithm], algorithm, headers={"kid": algorithm})

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer until the block ends."""
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _say(self, path: str, value: object) -> None:
        self.answers[path] = 200, {"Content-Type": "application/json"}, json.dumps(value).encode()
