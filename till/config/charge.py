"""`[charge]` of `till.toml`: what makes a till one that charges saved cards, and nothing else."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from front.tables import ConfigTable, https_url, listening_address, local_address
from till.config.usd import positive
from wire_format.money import parse_nano
from wire_format.writers import TopupLimits


class ChargeTable(ConfigTable):
    """`[charge]`: who says which accounts are due, and how much may be charged.

    Attributes:
        listen: takes `/due`; on this machine alone.
        secret_file: the secret that it shares with the aggregator that posts there.
        topups_hour_max: most attempts within any hour, over all accounts.
        topup_usd_hour_max: most that they may charge together.
        confirm_url: where a customer goes who has answered his bank.
    """

    listen: str = "127.0.0.1:8762"
    secret_file: Path
    topups_hour_max: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    topup_usd_hour_max: str = "500.00"
    confirm_url: str

    _usd = field_validator("topup_usd_hour_max")(positive)

    @field_validator("listen")
    @classmethod
    def _is_of_this_machine(cls, address: str) -> str:
        return local_address(listening_address(address))

    @field_validator("confirm_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        return https_url(url)

    @property
    def fuse(self) -> TopupLimits:
        """Most within any hour."""
        return TopupLimits(self.topups_hour_max, parse_nano(self.topup_usd_hour_max))
