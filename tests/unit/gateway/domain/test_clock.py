from datetime import UTC

from gateway.domain.clock import Clock


def test_now_is_in_utc() -> None:
    assert Clock().now().tzinfo is UTC


def test_durations_are_milliseconds_with_three_decimals() -> None:
    assert Clock(monotonic=lambda: 10.123_456_7).milliseconds_since(10.0) == 123.457


def test_the_monotonic_clock_never_goes_back() -> None:
    clock = Clock()
    moments = [clock.monotonic() for _ in range(100)]
    assert moments == sorted(moments)
    assert clock.milliseconds_since(moments[0]) >= 0
