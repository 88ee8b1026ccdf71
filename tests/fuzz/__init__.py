"""Whatever bytes come in, parsers answer with a value or their own error.

Two drivers over the same targets: `test_fuzz.py` (hypothesis, quick) and `python -m tests.fuzz`
(atheris, guided by coverage, as long as one likes).
"""
