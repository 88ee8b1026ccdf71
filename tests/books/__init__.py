"""Tests of the operator's books."""
