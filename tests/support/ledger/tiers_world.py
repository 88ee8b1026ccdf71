"""A ledger of prices whose units do not all cost the same: tiers, volume and packages."""

from pathlib import Path
from typing import Final

from tests.support.ledger.world import World
from tests.support.repos import usage_line

_PRICES: Final = b"""\
[[price]]
resource = "a/graduated"
per = 10
window = "month"
from = 2024-01-01T00:00:00Z
tiers = [{ up_to = 100, usd = "2.00" }, { usd = "1.00", flat_usd = "5.00" }]

[[price]]
resource = "b/volume"
per = 1
window = "day"
mode = "volume"
from = 2024-01-01T00:00:00Z
tiers = [{ up_to = 10, usd = "0.50" }, { usd = "0.30" }]

[[price]]
resource = "c/package"
window = "month"
from = 2024-01-01T00:00:00Z
package = { size = 1000, usd = "0.40" }
"""
_USED: Final = (
    ("a/graduated", 90, "01"),
    ("a/graduated", 40, "02"),
    ("b/volume", 8, "01"),
    ("b/volume", 4, "02"),
    ("c/package", 1, "01"),
    ("c/package", 999, "02"),
    ("d/unpriced", 3, "02"),
)


def tiers_world(folder: Path) -> World:
    """On 2025-01-01 alice uses in two hours what reaches the second tier, and one package."""
    world = World(folder)
    world.rules(_PRICES)
    lines = (
        usage_line(seq=seq, resource=resource, units=units, ts=f"2025-01-01T{hour}:00:00Z")
        for seq, (resource, units, hour) in enumerate(_USED, start=1)
    )
    world.usage(*lines)
    world.pull()
    return world
