"""Worlds that the aggregator's tests are played in."""
