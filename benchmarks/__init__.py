"""Measurements from recording to balances; `benchmarks/README.md` says what they mean."""

from fixtures.bytecode import keep_bytecode

keep_bytecode()  # installed programs have it, and the programs are measured as they are installed
