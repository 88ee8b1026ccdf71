"""Commands about grants and plans.

Owns: `grants`, `entitlements` and `accounts`, a module for each command.
Does not own: balances and charges (`aggregator.cli.accounts`), answers (`reports`).
"""
