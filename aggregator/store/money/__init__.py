"""Lines about money and accounts as rows.

Owns: the lines, and which of them count (`money_rows`); the commits of tills and desks, and which
of their lines stand (`writer_rows`).
Does not own: deciding that (`gitmeter.money`), accounts (`aggregator.store.account_rows`).
"""
