"""The ledger as a double-entry journal of hledger: plain text that balances.

Owns: names as hledger reads them (`names`), the chart of accounts (`accounts`), what moves between
them and what an entry is (`entries`), what lines of money (`money`), fees and grants (`terms`) and
usage (`usage`) move, lines in order (`sorting`), the entries of a period with the balances at both
ends (`journal`), and all of it as text (`writing`).
Does not own: sums of charges (`store.questions.sums`), what a line of money changes
(`reports.statements.money`), where the text goes (`cli.export`).
"""
