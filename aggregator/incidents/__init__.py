"""What a person has to look at.

Owns: opening and closing incidents (`filing`), nodes that push nothing (`silence`).
Does not own: their rows (`store`), their delivery (`notices`).
"""
