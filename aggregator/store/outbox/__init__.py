"""The file `notices.db`: what was announced, and the notices that are still to be delivered.

Owns: the interface to the file (`outbox`), its `connection`, its `errors`, what was announced
(`announced`), the notices and the state of the receiver (`queue`).
Does not own: what causes a notice, and posting it (`aggregator.notices`).
"""
