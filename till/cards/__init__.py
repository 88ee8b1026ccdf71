"""Saved cards of customers, as the provider keeps them.

Owns: this folder.
Does not own: charging a card (`charging`), and the consent that a payment brings (`intake`).
"""
