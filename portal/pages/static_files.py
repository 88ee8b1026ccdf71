"""The files that pages load: styles and a script, each under an address that names what is in all.

An address never means anything else, so browsers keep what it leads to for a year.
"""

import gzip
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

FOLDER: Final = Path(__file__).with_name("static")
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_DIGEST_DIGITS: Final = 16


class StaticFiles:
    """All of them, read once.

    Attributes:
        prefix: of their addresses.
    """

    def __init__(self) -> None:
        found = {path.name: path for path in FOLDER.iterdir() if path.suffix in _TYPES}
        self._plain = {name: path.read_bytes() for name, path in sorted(found.items())}
        self._packed = {name: gzip.compress(each, mtime=0) for name, each in self._plain.items()}
        self._types = {name: _TYPES[path.suffix] for name, path in found.items()}
        digest = sha256()
        for name, each in self._plain.items():
            digest.update(f"{name} {len(each)}\n".encode() + each)
        self.prefix = f"/static/{digest.hexdigest()[:_DIGEST_DIGITS]}/"

    async def respond(self, request: Request) -> Response:
        """Send a file."""
        path: str = request.scope["path"]
        name = path.removeprefix(self.prefix)
        if not path.startswith(self.prefix) or name not in self._plain:
            return Response(b"there is nothing here\n", HTTPStatus.NOT_FOUND)
        headers = dict(_KEPT)
        content = self._plain[name]
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            content = self._packed[name]
        return Response(content, headers=headers, media_type=self._types[name])
