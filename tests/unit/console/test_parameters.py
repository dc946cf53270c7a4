import pytest

from console.errors import ParameterInvalid
from console.parameters import lists_of, names_of, once_each
from console.query import ListQuery


def test_each_parameter_by_its_name() -> None:
    assert once_each([("to", "b"), ("from", "a")], ("from", "to")) == {"from": "a", "to": "b"}
    assert once_each([], ()) == {}


@pytest.mark.parametrize(
    ("pairs", "known", "said"),
    [
        ([("form", "a")], ("from", "to"), "There is no parameter `form`. The parameters are `from`, `to`."),
        ([("form", "a")], (), "There is no parameter `form`. This route has none."),
        ([("from", "a"), ("from", "a")], ("from",), "`from` may only be given once."),
        ([("from", "")], ("from",), "`from` is empty. Leave it out instead."),
    ],
)
def test_unknown_repeated_and_empty_parameters_are_refused(
    pairs: list[tuple[str, str]], known: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        once_each(pairs, known)
    assert (refused.value.message, refused.value.param) == (said, pairs[0][0])


def test_only_a_list_may_be_given_several_times() -> None:
    pairs = [("metadata", "a:1"), ("metadata", "b:2")]
    assert lists_of(ListQuery) == {"metadata"}
    assert set(once_each(pairs, names_of(ListQuery), lists_of(ListQuery))) == {"metadata"}
    with pytest.raises(ParameterInvalid, match="only be given once"):
        once_each(pairs, names_of(ListQuery))
