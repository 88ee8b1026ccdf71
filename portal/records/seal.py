"""The key with which a portal seals tags of answers and aliases of nodes.

It is kept, so that both are the same after a restart; where it is lost they change once.
"""

import secrets
from typing import Final

from front.memory_file import MemoryFile

_BYTES: Final = 32


def seal_of(file: MemoryFile) -> bytes:
    """The key, which is made when it is first asked for."""
    with file.writing() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO seal VALUES (1, ?)", (secrets.token_bytes(_BYTES),)
        )
        return bytes(connection.execute("SELECT key FROM seal").fetchone()[0])
