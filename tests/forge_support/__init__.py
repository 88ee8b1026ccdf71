"""Tests of the test forge: it does what a Forgejo does."""
