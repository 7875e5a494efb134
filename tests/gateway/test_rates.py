"""Every address may send so many requests a second, and what is remembered of addresses is bounded."""

from __future__ import annotations

from terse_temporal.gateway.rates import AddressRates, network_of


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_as_many_as_the_rate() -> None:
    clock = Clock()
    rates = AddressRates(5, clock=clock)
    assert [rates.wait_for("192.0.2.1") for _ in range(7)] == [0, 0, 0, 0, 0, 1, 1]
    clock.now += 0.4
    assert [rates.wait_for("192.0.2.1") for _ in range(3)] == [0, 0, 1]
    assert rates.wait_for("192.0.2.2") == 0


def test_a_slow_rate_says_how_long_to_wait() -> None:
    clock = Clock()
    rates = AddressRates(0.1, clock=clock)
    assert [rates.wait_for("192.0.2.1") for _ in range(2)] == [0, 10]
    clock.now += 9
    assert rates.wait_for("192.0.2.1") == 1
    clock.now += 1
    assert rates.wait_for("192.0.2.1") == 0


def test_more_may_come_at_once_than_in_the_long_run_and_asking_counts_nothing() -> None:
    clock = Clock()
    rates = AddressRates(0.1, burst=3, clock=clock)
    assert [rates.wait_for("192.0.2.1", counts=False) for _ in range(9)] == [0] * 9
    assert [rates.wait_for("192.0.2.1") for _ in range(4)] == [0, 0, 0, 10]
    assert rates.wait_for("192.0.2.1", counts=False) == 10
    clock.now += 10
    assert [rates.wait_for("192.0.2.1", counts=each) for each in (False, True, False)] == [0, 0, 10]


def test_an_ipv6_sender_has_one_bucket_for_all_of_its_addresses() -> None:
    rates = AddressRates(1, clock=Clock())
    assert rates.wait_for("2001:db8:1:2::1") == 0
    assert rates.wait_for("2001:db8:1:2:ffff::9") == 1
    assert rates.wait_for("2001:db8:1:3::1") == 0
    assert rates.wait_for("::ffff:192.0.2.1") == 0
    assert rates.wait_for("192.0.2.1") == 1
    assert rates.wait_for("no:address") == 0


def test_no_more_addresses_are_remembered_than_said() -> None:
    rates = AddressRates(1, most=100, clock=Clock())
    for number in range(10_000):
        rates.wait_for(f"10.0.{number // 256}.{number % 256}")
    assert len(rates) == 100
    assert len(network_of("10.0.0.1, " * 1000)) < 100
