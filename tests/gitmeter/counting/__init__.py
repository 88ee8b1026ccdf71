"""Tests of which lines count."""
