"""Commands that write files for other programs.

Owns: the group (`group`), the commands (`tables`, `focus`, `hledger`), where a table goes
(`output`), and how its rows are written as CSV (`csv_file`) and Parquet (`parquet_file`).
Does not own: what is in the rows (`aggregator.reports.exports`).
"""
