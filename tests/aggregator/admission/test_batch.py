"""What a batch gathers of the commits that it is made of."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.admission.batch import Batch


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.integers(-3, 5))))
def test_of_each_user_the_earliest_commit_is_noted(commits: list[tuple[set[str], int]]) -> None:
    """In whatever order commits come, and whatever their clocks said."""
    batch = Batch()
    for users, at_s in commits:
        batch.note_users(users, at_s)
    assert batch.users == {
        user: min(at_s for users, at_s in commits if user in users)
        for user in set().union(*(users for users, _ in commits))
    }
