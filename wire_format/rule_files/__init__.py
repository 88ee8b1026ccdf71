"""Rule files beside those of prices and discounts, and how any of them is read.

Owns: reading a rule file (`loading`), `rules/writers.toml` (`writers_file`) and `rules/fx.toml`
(`fx_file`).
Does not own: prices and discounts, and all files together (`wire_format.rule_book`); what is made
of these (`wire_format.writers`), which needs no pydantic.
"""
