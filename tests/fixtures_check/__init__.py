"""Tests of what tests stand on: servers, repos, the reference, strategies and the carried data."""
