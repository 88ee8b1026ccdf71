"""Talking to a remote git repo: the git program under limits, URL rules, probes, typed failures.

Start at `git_remote.remote`.
"""
