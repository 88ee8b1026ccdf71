"""Tests of `wire_format`."""
