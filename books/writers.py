"""Who else writes about money: `rules/writers.toml` at the newest commit of these books."""

from books.errors import MoneyError
from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from wire_format.writers import NO_WRITERS, WRITERS_PATH, Writers


def read_writers(home: Home) -> Writers:
    """The tills, and the accounts that they write of; none where there is no such file.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        MoneyError: the file cannot be used.
    """
    with repo_errors(home.repo.path):
        data = LedgerRepo(home.repo).read_file(WRITERS_PATH)
    if data is None:
        return NO_WRITERS
    # they need a library that takes longer to load than all else that recording does
    from wire_format.rule_files.loading import RuleBookError
    from wire_format.rule_files.writers_file import parse_writers

    try:
        return parse_writers(data)
    except RuleBookError as error:
        raise MoneyError(str(error), hint="`books rules edit writers.toml` mends it") from error
