"""Commands about nodes and their forge.

Owns: `node ...` (`node`), `forge ...` (`forge`), and how both run and print (`task`).
Does not own: what the commands do (`aggregator.fleet`).
"""
