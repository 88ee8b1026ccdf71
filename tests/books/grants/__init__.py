"""Grants with terms, and voids."""
