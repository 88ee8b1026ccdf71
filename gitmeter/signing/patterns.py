"""OpenSSH's patterns of names (PATTERNS in ssh_config(5)). Pure."""

from fnmatch import fnmatchcase


def matches_list(name: str, patterns: str) -> bool:
    """Whether a comma-separated pattern matches the name, and none that starts with `!` does."""
    listed = patterns.split(",")
    if any(each.startswith("!") and _matches(name, each[1:]) for each in listed):
        return False
    return any(not each.startswith("!") and _matches(name, each) for each in listed)


def _matches(name: str, pattern: str) -> bool:
    """`*` matches any characters or none, `?` one; everything else matches itself."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))
