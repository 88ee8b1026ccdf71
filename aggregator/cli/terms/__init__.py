"""Commands about grants and plans.

Owns: `grants`, `entitlements`, `accounts` and `topups`, a module for each command.
Does not own: balances and charges (`aggregator.cli.accounts`), answers (`reports`).
"""
