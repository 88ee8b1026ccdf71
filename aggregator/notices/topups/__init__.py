"""Telling the till that charges saved cards which accounts are below their threshold.

Owns: one round from the ledger to the answers (`rounds`), the till's address (`receiving`), when a
round is made (`teller`), and what is announced of attempts to the receiver of notices (`attempts`).
Does not own: which accounts these are (`aggregator.balances.topups`), and whether a card is charged
(`till.charging`).
"""
