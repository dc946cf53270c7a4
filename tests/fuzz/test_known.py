"""The known faults are there still. An input that has become harmless fails its test: then its entry goes."""

import pytest

from testkit.fuzz_gateway import FuzzedGateway
from testkit.fuzz_known import KNOWN, KnownFault


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=pytest.mark.xfail(reason=fault.words, strict=True), id=fault.words) for fault in KNOWN],
)
def test_a_known_fault(fault: KnownFault) -> None:
    gateway = FuzzedGateway()
    try:
        found = gateway.faults(fault.asked, fault.said)
    finally:
        gateway.close()
    assert not [finding for finding in found if fault.covers(finding, fault.asked, fault.said)]
