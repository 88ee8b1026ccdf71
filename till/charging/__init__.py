"""`till charge`: charging saved cards of accounts below their threshold, once for each need.

Owns: whether a card may be charged (`deciding`) and which one (`card`), the next step of an attempt
(`steps`), all three pure; carrying an attempt on (`carrying`), charging who is due (`charger`), and
settling what a new home or epoch finds (`settling`); who waits for his turn, and who rests
(`waiting_list`), the thread that charges (`worker`), what it needs of pushing (`pushing`); attempts
for a person (`listing`), and what is wrong (`checks`).
Does not own: who is below it (`aggregator`), when a card may be charged (`gitmeter.money.topups`),
and the line of a payment, which another till writes.
"""
