"""One file with everything, and one repo put away.

Owns: the file (`backup_file`), making it (`make`), restoring it (`restore`, `staging`), archiving
a repo (`archive_repo`).
Does not own: the copy remote (`copies`).
"""
