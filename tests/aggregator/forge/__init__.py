"""Tests of the forge's client, and of what is set up and compared on a forge."""
