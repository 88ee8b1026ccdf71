"""Charges as rows.

Owns: charges by hour (`charge_rows`), looking many up by their keys (`finding`), where to look for
those of an account (`active_periods`), those of which units are counted on beyond their hour
(`series_rows`), and what grants paid of them (`drawn_rows`).
Does not own: what a charge costs (`aggregator.rating`), accounts (`aggregator.store.account_rows`).
"""
