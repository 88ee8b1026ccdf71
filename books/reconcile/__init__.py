"""A second pair of eyes: the lines of tills, compared with what their providers say.

Owns: the aggregator's answer (`report`), the keys to ask with (`accounts`), asking within limits
(`asking`), one account (`account`), the lines of the books themselves (`own_lines`), the file of
what one run leaves for the next (`memory_file`), and a run as a whole (`run`, `outcome`).
Does not own: whether a line agrees and what follows from it (`judging`), what a provider says and
which lines follow from that (`providers`), the form of a decision (`books.decisions`), which lines
count (`gitmeter`).
"""
