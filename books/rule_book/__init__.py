"""The rule book: prices and the discount ladder, as files in the books.

Owns: reading and checking it (`rules`), changing it with a reason (`change`, `adding`, `undo`) and
the file of prices (`price_file`), what a change means (`rule_changes`; `past` for hours that have
begun; `repriced` in the ledger's words), earlier versions (`history`), prices of language models
(`llm_models`, `llm_prices`, `llm_import`, `llm_renewal`).
Does not own: what the files mean for an amount (`wire_format.rule_book` and the aggregator).
"""
