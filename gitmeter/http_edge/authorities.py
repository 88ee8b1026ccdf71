"""The trusted certificate authorities: this machine's, or those of `SSL_CERT_FILE`.

The git program gets the same file, so that probes and fetches trust the same servers.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gitmeter.support.errors import GitmeterError

if TYPE_CHECKING:
    from ssl import SSLContext

CA_ENVIRONMENT: Final = "SSL_CERT_FILE"
"""Names a file of certificate authorities, as for everything that is built on OpenSSL."""


class AuthoritiesError(GitmeterError):
    """The file of certificate authorities cannot be used."""


def ca_file() -> str | None:
    """The file of authorities that replaces this machine's, if there is one.

    Raises:
        AuthoritiesError: the file cannot be read.
    """
    path = os.environ.get(CA_ENVIRONMENT)
    if path and not os.access(path, os.R_OK):
        raise AuthoritiesError(f"{CA_ENVIRONMENT} names a file that cannot be read: {path}")
    return path or None


def tls_context() -> "SSLContext":
    """A context that verifies certificates and host names; renewed when the file changes.

    Raises:
        AuthoritiesError: the file cannot be read, or contains no certificate.
    """
    import ssl

    given = ca_file()
    path = given or ssl.get_default_verify_paths().cafile
    changed_ns = Path(path).stat().st_mtime_ns if path else 0
    try:
        return _tls_context(given, changed_ns)
    except OSError as error:
        raise AuthoritiesError(f"{CA_ENVIRONMENT} cannot be used: {given}: {error}") from error


@lru_cache(maxsize=2)
def _tls_context(given: str | None, changed_ns: int) -> "SSLContext":
    """Cached, because reading all authorities takes longer than a request."""
    import ssl

    del changed_ns
    return ssl.create_default_context(cafile=given)
