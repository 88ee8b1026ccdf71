"""Notices over a webhook: each incident and each low balance, exactly once.

Owns: what is worth a notice (`comparison`, `crossings`, `events`), delivering it (`notifier`,
`delivery`, `receiver`, `retries`).
Does not own: the outbox's rows (`store.outbox`).
"""
