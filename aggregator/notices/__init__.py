"""Notices over a webhook: one for each incident and each low balance.

Owns: finding what is new (`comparison`, `crossings`), the content of notices (`events`), delivery
(`notifier`, `delivery`, `receiver`, `retries`).
Does not own: the outbox's rows (`store.outbox`).
"""
