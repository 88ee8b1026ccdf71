"""Reads every repo and keeps every user's balance. Start at `aggregator/ledger/ingest.py`."""
