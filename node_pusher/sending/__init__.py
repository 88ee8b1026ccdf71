"""From the spool to the remote: commit, push, read back.

Owns: commits and their messages (`commit`, `totals`, `readme`), the hourly `push` and its `branch`
on the remote, why one failed (`failed_push`), commits made smaller (`divide`), the last commit in a
previous repo (`moved_mark`), corrections of earlier records (`correct`, `earlier_lines`), dates
that show a wrong clock (`dates`) and sending again what was dated by one (`resend`), status and log
(`history`).
Does not own: making a home or changing its repo (`joining`), the repo itself (`repo`).
"""
