"""Patterns of names as OpenSSH has them (PATTERNS in ssh_config(5)). Pure."""

from fnmatch import fnmatchcase


def matches_list(name: str, patterns: str) -> bool:
    """Whether one of the patterns, given by comma, fits the name, and none that starts with `!`."""
    listed = patterns.split(",")
    if any(each.startswith("!") and _matches(name, each[1:]) for each in listed):
        return False
    return any(not each.startswith("!") and _matches(name, each) for each in listed)


def _matches(name: str, pattern: str) -> bool:
    """`*` stands for any characters or none, `?` for one; everything else for itself."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))
