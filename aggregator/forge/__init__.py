"""The forge's API behind one small interface.

Owns: the `interface` (with `people`), its implementation for Forgejo (`forgejo`, `shapes`,
`paging`), requests (`transport`) and the errors that responses mean (`answers`).
Does not own: what the fleet does with it (`fleet`).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.config.sections import ForgeConfig
    from aggregator.forge.answers import Wait
    from aggregator.forge.interface import Forge


def open_forge(config: "ForgeConfig", wait: "Wait | None" = None) -> "Forge":
    """The organisation that a configuration names; sends no request yet.

    The result may be used by one thread at a time and keeps nothing open between calls.

    Args:
        config: the forge.
        wait: called to wait when the forge asks for up to a minute; None to give up at once, as a
            daemon does.

    Raises:
        RemoteConfigError: the address is not allowed.
    """
    from aggregator.forge.forgejo import (
        open_forgejo,
    )  # loads pydantic models that few commands need

    return open_forgejo(config, wait)
