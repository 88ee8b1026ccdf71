"""Tests of `git_remote`."""
