"""Calls about the deploy keys of a repo."""

import base64
import binascii
import hashlib

from tests.support.forge.api import (
    Answer,
    Forge,
    Request,
    Route,
    number,
    page_of,
    text,
    total_header,
)
from tests.support.forge.records import NOT_FOUND, ApiError, Key
from tests.support.forge.views import deploy_key

_KINDS = frozenset(
    {"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}
)


def fingerprint(line: str) -> str:
    """`SHA256:...` of the line of a public key, as ssh-keygen shows it.

    Raises:
        ApiError: it is no public key.
    """
    words = line.split()
    try:
        kind, blob = words[0], base64.b64decode(words[1], validate=True)
    except (IndexError, binascii.Error) as error:
        raise ApiError(422, f"Invalid key content: invalid ssh public key: {error}") from error
    inner = blob[4 : 4 + int.from_bytes(blob[:4])].decode("latin-1")
    if kind not in _KINDS or inner != kind:
        raise ApiError(422, f"Invalid key content: key type and content does not match: {kind}")
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def list_keys(forge: Forge, request: Request) -> Answer:
    """One page of a repo's keys; there is no `Link`."""
    with forge.org.lock:
        repo = forge.org.visible(request.names["repo"], request.token)
        wanted = request.query.get("fingerprint")
        keys = [key for key in repo.keys if wanted in {None, "", key.fingerprint}]
        page, _, _ = page_of(request, keys)
        shown = [deploy_key(forge.places, repo, key) for key in page]
    return Answer(200, shown, total_header(len(keys)))


def get_key(forge: Forge, request: Request) -> Answer:
    """One key."""
    repo = forge.org.visible(request.names["repo"], request.token)
    for key in repo.keys:
        if key.id == number(request):
            return Answer(200, deploy_key(forge.places, repo, key))
    raise ApiError(404, NOT_FOUND)


def add_key(forge: Forge, request: Request) -> Answer:
    """Let a key in; the same key may be in several repos."""
    org = forge.org
    title, content = text(request, "title"), text(request, "key").strip()
    if "\n" in content:
        raise ApiError(422, "Invalid key content: only a single line with a single key please")
    print_ = fingerprint(content)
    with org.lock:
        repo = org.visible(request.names["repo"], request.token)
        if print_ in map(fingerprint, org.user_keys.values()):
            raise ApiError(422, "Key content has been used as non-deploy key")
        if any(key.fingerprint == print_ for key in repo.keys):
            raise ApiError(422, "This key has already been added to this repository")
        if any(key.title == title for key in repo.keys):
            raise ApiError(422, "A key with the same name already exists")
        known = [k.key_id for r in org.repos.values() for k in r.keys if k.fingerprint == print_]
        key = Key(
            org.next_id(),
            known[0] if known else org.next_id(),
            title,
            content,
            print_,
            bool(request.body.get("read_only")),
            org.now(),
        )
        repo.keys.append(key)
        org.on_keys()
        return Answer(201, deploy_key(forge.places, repo, key))


def delete_key(forge: Forge, request: Request) -> Answer:
    """Let a key in no longer; one that is not there is no error."""
    with forge.org.lock:
        repo = forge.org.visible(request.names["repo"], request.token)
        repo.keys = [key for key in repo.keys if key.id != number(request)]
        forge.org.on_keys()
    return Answer(204)


ROUTES = (
    Route("GET", "/repos/{org}/{repo}/keys", list_keys),
    Route("GET", "/repos/{org}/{repo}/keys/{id}", get_key),
    Route("POST", "/repos/{org}/{repo}/keys", add_key),
    Route("DELETE", "/repos/{org}/{repo}/keys/{id}", delete_key),
)
