"""The program `portal`: balances and all that explains them over HTTP, and what customers settle.

It reads a ledger and never writes to it. What customers and staff settle becomes lines of a desk,
which count once the aggregator has pulled them.

Owns: its configuration (`config`), what it remembers (`records`), reading the ledger (`reading`),
who asks and what they may (`access`), writing lines (`desk`), the interface over HTTP (`api`),
serving it (`serving`), and the program (`cli`).
Does not own: what is true of an account (`aggregator.reports`), which lines count
(`gitmeter.money`), commits and pushes (`node_pusher`), payments (`till`).
"""
