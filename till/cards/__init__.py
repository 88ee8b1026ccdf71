"""Saved cards of customers, as the provider keeps them.

Owns: an account whose provider keeps cards (`card_account`), which customer of a provider an
account of ours is (`customers`), and the cards and automatic payments kept for it (`kept`).
Does not own: charging a card (`charging`), the consent that a payment brings (`intake`), and
offering a checkout at which a card is saved (`checkout`).
"""
