"""What the git hooks of a test forge decide.

They run in a process for each push, so they import nothing but the standard library and each other.
"""
