"""An account is opened only where its mode, its key and its address agree."""

import subprocess
import sys

import pytest

from providers.opening import CLICKPESA_URLS, STRIPE_URL, ProviderSettingsError, open_provider
from wire_format.writers import ProviderAccount

HERE = "http://127.0.0.1:8080/third-parties"


LIVE = ProviderAccount("stripe", "stripe", "acct_1", "live")
TEST = ProviderAccount("stripe-test", "stripe", "acct_1", "test")
TANZANIA = ProviderAccount("clickpesa-tz", "clickpesa", "ID1", "live")
SANDBOX = ProviderAccount("clickpesa-test", "clickpesa", "ID1", "test")


@pytest.mark.parametrize(
    ("entry", "key", "url"),
    [
        (LIVE, "sk_live_1", None),
        (LIVE, "rk_live_1", None),
        (LIVE, "rk_live_1", STRIPE_URL),
        (LIVE, "rk_live_1", HERE),
        (TEST, "sk_test_1", None),
        (TEST, "rk_test_1", "https://stripe.internal"),
        (TANZANIA, "SK1", None),
        (TANZANIA, "SK1", CLICKPESA_URLS["live"] + "/"),
        (SANDBOX, "SK1", None),
        (SANDBOX, "SK1", "http://localhost:1"),
    ],
)
def test_an_account_whose_parts_agree_is_opened(
    entry: ProviderAccount, key: str, url: str | None
) -> None:
    with open_provider(entry, key, base_url=url) as opened:
        assert (opened.name, opened.kind, opened.mode) == (entry.name, entry.kind, entry.mode)


@pytest.mark.parametrize(
    ("entry", "key", "url"),
    [
        (LIVE, "sk_test_1", None),
        (LIVE, "rk_test_1", None),
        (LIVE, "whsec_1", None),
        (LIVE, "pk_live_1", None),
        (LIVE, "", None),
        (TEST, "sk_live_1", None),
        (LIVE, "sk_live_1", "https://stripe.internal"),
        (LIVE, "sk_live_1", "http://stripe.internal"),
        (TEST, "sk_test_1", "http://stripe.internal"),
        (LIVE, "sk_live_1", "ftp://127.0.0.1"),
        (LIVE, "sk_live_1", "127.0.0.1:80"),
        (LIVE, "sk_live_1", "https://127.0.0.1@stripe.internal"),
        (TANZANIA, "SK1", CLICKPESA_URLS["test"]),
        (SANDBOX, "SK1", CLICKPESA_URLS["live"]),
        (SANDBOX, "SK1", CLICKPESA_URLS["live"] + "/"),
        (LIVE._replace(kind="paypal"), "sk_live_1", None),
    ],
)
def test_anything_else_is_refused_without_telling_the_key(
    entry: ProviderAccount, key: str, url: str | None
) -> None:
    with pytest.raises(ProviderSettingsError) as refused:
        open_provider(entry, key, base_url=url)
    assert not key or key not in f"{refused.value} {refused.value.hint}"


LOADED = """
import sys
import providers.expected, providers.tag
from providers.opening import open_provider
from wire_format.writers import ProviderAccount as Entry
with open_provider(Entry("c", "clickpesa", "ID1", "live"), "SK1") as opened:
    print(sorted({"stripe", "pydantic", "requests"} & set(sys.modules)))
with open_provider(Entry("s", "stripe", "acct_1", "live"), "sk_live_1") as opened:
    print("stripe" in sys.modules)
"""


def test_stripes_library_is_loaded_for_its_accounts_alone() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[]", "True"]
