"""The configuration that `till config-example` prints."""

from typing import Final

EXAMPLE: Final = """\
# till.toml: payment intake of gitmeter. Secrets are never written here: these keys name the files
# that hold them, one word each, mode 600. A file without a folder is looked for in the current one,
# which for the units of systemd/ is that of their credentials. Lines in comments show a default or
# an example.

# home = "/var/lib/till"               # made by `till init`
mode = "test"                          # or "live"; keys, events and addresses must agree with it

# payment_min_usd = "5.00"
# payment_max_usd = "500.00"
# first_week_usd = "100.00"            # of one customer, in the 7 days from the first payment here
# rates_max_age_days = 7               # an older rate stops new checkouts in that currency
return_urls = ["https://portal.example/"]      # where pages of checkout may lead back to

[listen]
public = "127.0.0.1:8760"              # /hooks/<account>: the reverse proxy exposes this one alone
local = "127.0.0.1:8761"               # /checkout, /cards: this machine alone; or unix:/run/x.sock

# [cards]                              # customers may save a card; writers.toml limits it as well
# consent_max_usd = "100.00"           # of one automatic payment; at most payment_max_usd
# consent_month_max_usd = "500.00"     # of all of them in a month

# [hint]                               # tell an aggregator of each push, where no forge does
# url = "https://meter.example/webhook"
# secret_file = "/etc/gitmeter/hint_secret"
# repo_id = 17                         # the forge's number for this till's repo, where registered

# [charge]                             # of a till of its own, for `till charge`: it charges saved
#                                      # cards and takes no payments in
# listen = "127.0.0.1:8762"            # /due, for this machine alone; or unix:/run/x.sock
# secret_file = "/etc/gitmeter/topup_secret"     # shared with the aggregator that posts there
# topups_hour_max = 20                 # over all accounts; beyond it nothing is charged until
# topup_usd_hour_max = "500.00"        # `till start-again`
# confirm_url = "https://portal.example/automatic/confirmed"   # where customers go after
#                                      # answering their bank: that page of the portal

# One account of one provider; its name is the `provider` of its lines and never changes. In test
# mode names end in -test. Two secret_files while a secret is replaced.
[[account]]
name = "stripe-test"
kind = "stripe"
account = "acct_1EXAMPLE"
key_file = "/etc/gitmeter/stripe_key"                # restricted: Checkout Sessions write
# refund_key_file = "/etc/gitmeter/stripe_refund_key" # for `till refund`: Refunds write, rest read
secret_files = ["/etc/gitmeter/stripe_hook_secret"]
tag_key_file = "/etc/gitmeter/till_tag_key"          # 32 random bytes: openssl rand -hex 32
# base_url = "http://127.0.0.1:12111"                # in test mode, or on this machine
currencies = ["USD", "EUR"]

# [[account]]
# name = "clickpesa-tz-test"
# kind = "clickpesa"
# account = "client id"
# key_file = "/etc/gitmeter/clickpesa_key"
# secret_files = ["/etc/gitmeter/clickpesa_hook_secret"]
# currencies = ["TZS"]

# What one unit of a currency is worth, and when that was so. The credit of a payment is fixed by it
# when the checkout is made.
[[rate]]
currency = "EUR"
usd = "1.08"
at = 2026-11-28
"""
