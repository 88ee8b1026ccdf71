"""Charging saved cards: rules, crashes at every step, broken variants, and the real program."""
