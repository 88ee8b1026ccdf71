"""TLS certificates of servers on this machine: a good one, and each kind that must be refused."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import trustme

_HERE: Final = ("127.0.0.1", "localhost")


class Authority:
    """An authority that only those trust who are told to.

    Args:
        folder: where its own certificate is written.

    Attributes:
        file: its certificate, for `SSL_CERT_FILE`.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def good(self) -> ssl.SSLContext:
        """For a server on this machine."""
        return self._context(self._authority.issue_cert(*_HERE))

    def of_another_host(self) -> ssl.SSLContext:
        """For a server that has another name."""
        return self._context(self._authority.issue_cert("forge.example"))

    def expired(self) -> ssl.SSLContext:
        """For a server on this machine, a while ago."""
        then = datetime(2020, 1, 1, tzinfo=UTC)
        return self._context(self._authority.issue_cert(*_HERE, not_after=then))

    def _context(self, certificate: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context
