"""The rule book: prices and the discount ladder, as files in the books.

Owns: reading, checking and replacing it (`rules`, `rule_changes`, `price_file`), prices of
language models (`llm_models`, `llm_prices`, `llm_import`).
Does not own: what the files mean for an amount (`wire_format.rule_book` and the aggregator).
"""
