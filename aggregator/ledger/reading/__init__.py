"""Reading new commits: in order, and in a long history with the help of other processes.

Owns: comparing commits with their parents (`walk`), reading one new `segment`, asking for segments
before they are needed (`ahead`), and the process that reads, checks and adds them up (`child`).
Segments go in, checked sums come out: whatever does that faster can take the child's place.
Does not own: whether a commit is applied (`ledger`), whether a segment counts (`admission`).
"""
