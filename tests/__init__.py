"""Tests of gitmeter: each folder mirrors a package."""
