"""Measurements of an aggregator with many nodes.

Owns: `__main__` and its tables (`tables`), what is measured (`passes`, `programs`, `month`,
`gauges`), what it is measured on (`site`, `forge`).
Does not own: ingest and recording (`benchmarks`).
"""
