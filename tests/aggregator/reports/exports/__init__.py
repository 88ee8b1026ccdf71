"""Exports: charges, payments and FOCUS, as rows and as files, and journals."""
