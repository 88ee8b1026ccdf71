"""A till that charges, in a folder of a test: a home on a bare repo, at a world with cards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from front.once import push_and_tell
from front.pusher import NotPushedError
from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import GitmeterError
from node_pusher.home.home import new_home
from node_pusher.joining.init import init
from node_pusher.joining.trust import Vouched
from providers.consents import ConsentTerms
from providers.interface import Order
from providers.tag import Promise, make_customer_tag, make_tag
from tests.support.files import write_secret
from tests.support.repos import bare_repo
from tests.till.charging.crashes import Crashes, CrashingProvider
from tests.till.place import ACCOUNT, TAG_KEY
from tests.till.world import World
from till.charging.charger import CardCharger
from till.config.charge import ChargeTable
from till.config.tables import TillConfig
from till.intake.till import Till, open_till

CHARGER: Final = "charger-1"
USD: Final = "20.00"
BELOW_USD: Final = "5.00"
MONTH_USD: Final = "100.00"


class NowPusher:
    """Pushes at once, in this thread; whoever dies may die before and after it.

    Args:
        till: whose lines.
        crashes: when it dies.
    """

    def __init__(self, till: Till, crashes: Crashes) -> None:
        self._till = till
        self._crashes = crashes

    def push(self, wait_s: int) -> None:
        """Push what is there."""
        del wait_s
        self._crashes.point()
        try:
            push_and_tell(self._till.home, None, self._till.clock())
        except GitmeterError as error:
            raise NotPushedError(str(error)) from error
        self._crashes.point()

    def wake(self) -> None:
        """Push, if that is possible."""
        try:
            self.push(0)
        except NotPushedError:
            return


class ChargerPlace:
    """A till that charges.

    Attributes:
        world: what is true.
        remote: its bare repo.
        home: the folder of the till; another one after `join_elsewhere`.
        crashes: when it dies.
        chance: what it draws from.
        loses: how likely an answer of the provider is lost.
        before: called before each request, with its name and what it is about.
    """

    def __init__(self, folder: Path, world: World, **charge: Any) -> None:  # noqa: ANN401
        self.world = world
        self.folder = folder
        self.crashes = Crashes()
        self.chance = Random(0)
        self.loses = 0.0
        self.before: Callable[[CrashingProvider, str, tuple[Any, ...]], None] = lambda *_: None
        self.remote = bare_repo(folder / "charger-1.git")
        self.home = folder / "charger"
        self._homes = 1
        init(new_home(self.home, CHARGER, Remote(self.remote.as_uri()), role="till"), world.now)
        self.config = TillConfig.model_validate(
            {
                "home": self.home,
                "mode": world.mode,
                "account": [
                    {
                        "name": ACCOUNT,
                        "kind": "stripe",
                        "account": "acct_1",
                        "key_file": write_secret(folder / "charge_key", "k" * 32),
                        "tag_key_file": write_secret(folder / "charge_tag_key", TAG_KEY),
                    }
                ],
                "charge": {
                    "listen": "127.0.0.1:0",
                    "secret_file": write_secret(folder / "topup_secret", "p" * 32),
                    "confirm_url": "https://portal.example/payments",
                    **charge,
                },
            }
        )

    @property
    def limits(self) -> ChargeTable:
        """Its `[charge]`."""
        assert self.config.charge is not None
        return self.config.charge

    def lose_memory(self) -> None:
        """Its till.db is gone."""
        for file in self.home.glob("till.db*"):
            file.unlink()

    def join_elsewhere(self) -> None:
        """Another machine takes its place, in a new epoch; nothing of the old one is there."""
        signers, self._homes = self.home / "allowed_signers", self._homes + 1
        self.home = self.folder / f"charger-{self._homes}"
        home = new_home(self.home, CHARGER, Remote(self.remote.as_uri()), role="till")
        init(home, self.world.now, vouched=Vouched(signers_file=signers))

    @contextmanager
    def open(self) -> Iterator[Till]:
        """The till, by the clock of its world."""

        def opening(table: Any, *_: object) -> CrashingProvider:  # noqa: ANN401
            provider = CrashingProvider(self.world, table.name, self.crashes, self.chance)
            provider.loses = self.loses
            provider.before = partial(self.before, provider)
            return provider

        with open_till(self.config, self.home, lambda: self.world.now, opening) as till:
            yield till

    def charger(self, till: Till) -> tuple[CardCharger, NowPusher]:
        """What charges in an open till."""
        pusher = NowPusher(till, self.crashes)
        return CardCharger(till, self.limits, pusher), pusher


def pay_on_page(
    world: World,
    user: str,
    customer: str | None,
    nonce: int,
    usd: str = USD,
    *,
    saves: bool = False,
) -> str:
    """A customer pays on a page, whose card may be saved; the payment."""
    promise = Promise(user, usd, "USD", usd, world.now, f"{nonce:016x}")
    order = Order(
        user=user,
        usd=usd,
        amount=usd,
        currency="USD",
        attempt=f"topup:{user}:{nonce:016x}",
        at=world.now,
        tag=make_tag(TAG_KEY.encode(), ACCOUNT, promise),
        success_url="https://portal.example/paid",
        cancel_url="https://portal.example/",
        expires_s=3600,
        customer=customer,
        consent=ConsentTerms(USD, BELOW_USD, MONTH_USD) if saves else None,
    )
    name = world.open(ACCOUNT).checkout(order).object_id
    world.succeed(name, usd)
    return name


def new_customer(world: World, user: str) -> str:
    """The provider's customer of an account, with its tag."""
    provider = world.open(ACCOUNT)
    return provider.new_customer(user, make_customer_tag(TAG_KEY.encode(), ACCOUNT, user))  # type: ignore[attr-defined,no-any-return]
