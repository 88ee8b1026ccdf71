"""Commands that write files for other programs.

Owns: the group (`group`), the commands (`tables`, `focus`), where a file goes (`output`), and how
rows are written as CSV (`csv_file`) and Parquet (`parquet_file`).
Does not own: what is in the rows (`aggregator.reports.exports`).
"""
