"""What services ask about accounts of others.

Owns: whether an account may use a resource (`allowed`).
Does not own: the rule by which that is judged (`aggregator.reports.terms.allowed`).
"""
