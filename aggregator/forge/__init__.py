"""The forge's API behind one small interface.

Owns: the `interface`, Forgejo's way of it (`forgejo`, `shapes`, `paging`), requests (`transport`)
and what answers mean (`answers`).
Does not own: what the fleet does with it (`fleet`).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.config.sections import ForgeConfig
    from aggregator.forge.answers import Wait
    from aggregator.forge.interface import Forge


def open_forge(config: "ForgeConfig", wait: "Wait | None" = None) -> "Forge":
    """The organisation that a configuration names; nothing is asked yet.

    What comes back may be used from one thread at a time and holds nothing open between calls.

    Args:
        config: where it is.
        wait: waits when the forge asks for at most a minute, and says so; None to give up at once
            instead, which a daemon does.

    Raises:
        RemoteConfigError: the address is not allowed.
    """
    from aggregator.forge.forgejo import open_forgejo  # loads requests, which few commands need

    return open_forgejo(config, wait)
