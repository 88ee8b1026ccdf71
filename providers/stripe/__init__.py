"""Stripe.

Owns: the `account`, its `saved_cards`, requests through Stripe's own library within limits
(`calls`), what a webhook is about (`webhook`), the objects that are read (`shapes`), what they mean
(`facts`; of saved cards, `charge_facts`), and its units of money (`units`).
Does not own: what is written because of it (`providers.expected`).
"""
