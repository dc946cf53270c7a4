"""Different items never share a key, whatever their names."""

from hypothesis import given
from hypothesis import strategies as st

from switchboard.store import keyspace

NAME = (
    st.text("#%P#0123KEYSTASKBODYPOLICIESé", max_size=12) | st.text(max_size=5) | st.integers(500, 520).map("x".__mul__)
)
SHARD = st.sampled_from(keyspace.SHARDS)
DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64)

partitions = (
    st.tuples(st.just("key"), DIGEST)
    | st.tuples(st.just("keys"), NAME)
    | st.tuples(st.just("policies"), NAME)
    | st.tuples(st.just("turn"), NAME, DIGEST)
    | st.tuples(st.just("traces"), NAME, SHARD)
    | st.tuples(st.just("task"), NAME, NAME, SHARD)
    | st.tuples(st.just("body"), NAME, NAME)
    | st.tuples(st.just("blob"), NAME, DIGEST)
)


def partition(thing: tuple[str, ...]) -> str:  # noqa: PLR0911 - one line for each kind
    match thing:
        case ("key", digest):
            return keyspace.gateway_key(digest).pk
        case ("keys", project):
            return keyspace.keys_of_project(project)
        case ("policies", project):
            return keyspace.policies_of_project(project)
        case ("turn", project, digest):
            return keyspace.turn(project, digest).pk
        case ("traces", project, shard):
            return keyspace.traces_of_project(project, int(shard))
        case ("task", project, task_id, shard):
            return keyspace.traces_of_task(project, task_id, int(shard))
        case ("body", project, trace_id):
            return keyspace.body(project, trace_id).pk
        case (_, project, digest):
            return keyspace.blob_mark(project, digest).pk
        case _:
            raise AssertionError(thing)


@given(st.lists(partitions, max_size=30, unique=True))
def test_different_values_have_different_keys(things: list[tuple[str, ...]]) -> None:
    assert len({partition(thing) for thing in things}) == len(things)


@given(NAME, NAME, st.lists(NAME, min_size=2, max_size=2, unique=True))
def test_a_different_name_changes_the_key(project: str, task_id: str, pair: list[str]) -> None:
    one, other = pair
    assert keyspace.traces_of_task(one, task_id, 0) != keyspace.traces_of_task(other, task_id, 0)
    assert keyspace.traces_of_task(project, one, 0) != keyspace.traces_of_task(project, other, 0)
    assert keyspace.body(project, one) != keyspace.body(project, other)
    assert keyspace.policy(project, one) != keyspace.policy(project, other)
