"""Measurements of the whole pipe; `benchmarks/README.md` says what they mean."""
