"""An aggregator with many nodes, measured.

Owns: `__main__` and its tables (`tables`), what is measured (`passes`, `programs`, `month`,
`gauges`), what it is measured on (`site`, `forge`).
Does not own: ingest and recording, which are beside this folder.
"""
