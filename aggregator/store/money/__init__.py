"""Lines about money and accounts as rows.

Owns: how a line is stored and what ties it to others (`stored_lines`); the lines, and which of them
count (`money_rows`, of accounts `account_line_rows`); the commits of tills and desks, and which of
their lines stand (`writer_rows`); what desks gave by templates (`desk_rows`).
Does not own: deciding that (`gitmeter.money`), accounts (`aggregator.store.account_rows`).
"""
