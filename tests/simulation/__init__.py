"""A fleet under virtual time, with a seed: nodes, books, a forge and one aggregator, and faults."""
