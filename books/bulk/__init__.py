"""Many movements of money at once, by the rules of a single one.

Owns: the lines of a text (`text`), reading them as rows of CSV or JSONL with our own names
(`rows`), or as a bank writes them: how it does (`bank_form`), what a cell says (`bank_cells`), and
its file as rows (`bank_csv`); recording them in one transaction (`recording`).
Does not own: the rules, which are those of a single movement (`books.money`, `books.checks`).
"""
