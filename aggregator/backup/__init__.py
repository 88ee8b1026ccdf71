"""Backups of the whole state in one file, and archiving single repos.

Owns: the file (`backup_file`), making it (`make`), restoring it (`restore`, `staging`), archiving
a repo (`archive_repo`).
Does not own: the copy remote (`copies`), the form of an archive (`mirrors`).
"""
