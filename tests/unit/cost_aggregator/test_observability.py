import json

import pytest

from cost_aggregator.observability import MAX_VALUES, _emitter


@pytest.mark.parametrize("count", [1, MAX_VALUES, MAX_VALUES + 1, 250])
def test_a_large_batch_is_split_into_documents_within_cloudwatchs_limit(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lags = [float(n) for n in range(count)]
    _emitter()({"Settled": ("Count", [count]), "Lag": ("Milliseconds", lags)})
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [value for document in documents for value in document.get("Lag", [])] == lags
    assert [value for document in documents for value in document.get("Settled", [])] == [count]
    assert all(len(document["Lag"]) <= 100 for document in documents)
