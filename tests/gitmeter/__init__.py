"""Tests of what all programs share."""
