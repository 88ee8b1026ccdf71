"""The parts of a random case: its book of rules, its lines, and the commits they stand in.

Owns: how small and mean the rules and lines of random cases are.
Does not own: what is right; nothing here looks at the reading of a case.
"""
