"""What one line, one path, one commit message and one rule book look like; pure, no I/O.

Start at `wire_format/README.md`, then `wire_format.models`.
"""
