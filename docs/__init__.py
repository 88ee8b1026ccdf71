"""Documentation that is generated from the programs and the schema."""
