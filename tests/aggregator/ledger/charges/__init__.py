"""Tests of `aggregator.ledger.charges`."""
