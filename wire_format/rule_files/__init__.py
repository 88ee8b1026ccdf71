"""Rule files beside that of discounts, and how any of them is read.

Owns: reading a rule file (`loading`), `rules/prices.toml` and `rules/imported.toml`
(`prices_file`), `rules/writers.toml` (`writers_file`), `rules/fx.toml` (`fx_file`) and
`rules/plans.toml` (`plans_file`).
Does not own: discounts, and all files together (`wire_format.rule_book`); what is made of these
(`wire_format.writers`, `wire_format.plans`), which needs no pydantic.
"""
