"""Measurements from recording to balances; `benchmarks/README.md` says what they mean."""
