"""Tests of `http_edge`."""
