"""The file `notices.db`: what was told, and the notices that are still to be delivered.

Owns: the file as its users see it (`outbox`), its `connection`, its `errors`, what was told
(`told`), notices and the receiver (`queue`).
Does not own: what is worth a notice, and posting it (`aggregator.notices`).
"""
