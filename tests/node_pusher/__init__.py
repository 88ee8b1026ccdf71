"""Tests of `node_pusher`."""
