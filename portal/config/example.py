"""The configuration that `portal config-example` prints."""

from typing import Final

EXAMPLE: Final = """\
# portal.toml: balances over HTTP, and what customers settle. Secrets are never written here. Lines
# in comments show a default or an example.

# home = "/var/lib/portal"             # of the desk, made by `portal init`
# state = "/var/lib/gitmeter"          # of the aggregator on this machine; only read
# stale_max_s = 900                    # with an older ledger nothing is written
# rpm = 120                            # requests in a minute of a key that states no number
# guesses_per_minute = 30              # requests without a right key from one network
# top_up_url = "https://portal.example/topup"   # told to programs whose balance is used up

[listen]
address = "127.0.0.1:8770"             # for the reverse proxy, which ends TLS; or unix:/run/x.sock
# proxy = "127.0.0.1"                  # the one address whose X-Forwarded-For is believed

# [hint]                               # tell an aggregator of each push, where no forge does
# url = "https://meter.example/webhook"
# secret_file = "/etc/gitmeter/hint_secret"
# repo_id = 17                         # the forge's number for this desk's repo, where registered

# [[issuer]]                           # whose tokens are taken, as keys are (OpenID Connect)
# url = "https://login.example"        # `iss` of its tokens, to the letter
# audience = "gitmeter"                # `aud`: what this portal is called there
# name = "House"                       # people may sign in to the pages with it
# secret_file = "/etc/gitmeter/issuer_secret"   # what this portal shows there, if it was given one

# [till]                               # where payments begin
# url = "http://127.0.0.1:8761/checkout"
# settle_h = 2                         # as in [topup] of aggregator.toml

# [pages]                              # for people with a browser, beside the interface
# on = true
# url = "https://portal.example"       # where people see them; without it no payment begins there
# brand = "Usage and credit"           # the name at the top
# support = "help@portal.example"
# pay_by = ["page USD", "prompt TZS"]  # a page of the provider, or a prompt on a telephone

# [sign_up]                            # accounts that people open for themselves at the pages
# on = false
# a_day = 50                           # most of them in a day
# per_network_a_day = 3                # most of them from one network
# credit = "welcome"                   # what each is given once: a [[grant]] of writers.toml
# credit_after_usd = "5.00"            # once so much was paid, and not given back; "0": at once
"""
