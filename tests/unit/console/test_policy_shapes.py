from console.policy_shapes import BufferWordsJson, PolicyJson, TargetJson
from switchboard.domain.policy import BufferWords, FallbackTarget, Policy
from switchboard.domain.policy_json import POLICY_FIELDS, policy_json
from testkit.filled import filled


def test_the_shape_of_a_policy_has_the_fields_of_policies() -> None:
    assert set(PolicyJson.__annotations__) == set(POLICY_FIELDS)


def test_the_shapes_within_a_policy_have_all_their_fields() -> None:
    written = policy_json(Policy(fallback=(filled(FallbackTarget),), buffer_words=filled(BufferWords)))
    assert set(written["fallback"][0]) == set(TargetJson.__annotations__)
    assert set(written["buffer_words"]) == set(BufferWordsJson.__annotations__)
