"""The pace: who waits how long, and what 429 changes."""

from functions.adapters.management_api_pace import BURST_S, RATE_MIN, WINDOW_S, Pace


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


def test_without_a_rate_nobody_waits() -> None:
    """No bound, no wait."""
    pace = Pace(None, Clock())
    assert [pace.begin() for _ in range(10_000)] == [0.0] * 10_000


def test_places_are_given_in_order_at_the_rate() -> None:
    """Nobody starves: who came first goes first."""
    pace = Pace(100.0, Clock())
    waits = [pace.begin() for _ in range(101)]
    assert waits == sorted(waits)
    assert abs(waits[-1] - 1.0) < BURST_S


def test_time_without_sends_is_not_saved_up() -> None:
    """After a pause the rate holds as before."""
    clock = Clock()
    pace = Pace(100.0, clock)
    pace.begin()
    clock.now += 3600
    assert abs([pace.begin() for _ in range(51)][-1] - 0.5) < BURST_S


def test_one_slow_reader_slows_nobody_down() -> None:
    """B-203: repeated 429 from one connection, however often."""
    pace = Pace(1000.0, Clock())
    pace.begin()
    assert [pace.throttled("slow=") for _ in range(20)] == [False] * 20
    assert pace.sends_per_second == 1000.0


def test_a_few_slow_readers_among_many_slow_nobody_down() -> None:
    """What is throttled is a small share of what was sent."""
    pace = Pace(None, Clock())
    for _ in range(1000):
        pace.begin()
    assert not any(pace.throttled(f"{number}=") for number in range(40))
    assert pace.sends_per_second is None


def test_throttling_of_many_halves_the_rate_once_in_a_window() -> None:
    """What was on its way meanwhile says nothing new."""
    clock = Clock()
    pace = Pace(1000.0, clock)
    assert [pace.throttled(f"{number}=") for number in range(9)] == [False] * 2 + [True] * 7
    assert pace.sends_per_second == 500.0
    clock.now += WINDOW_S
    pace.begin()
    assert pace.throttled("9=")
    assert pace.sends_per_second == 250.0


def test_without_a_rate_it_is_half_of_what_was_sent() -> None:
    """The rate that met 429 is known by counting."""
    clock = Clock()
    pace = Pace(None, clock)
    for _ in range(1000):
        pace.begin()
    clock.now += 0.25
    for number in range(50):
        pace.throttled(f"{number}=")
    assert pace.sends_per_second == 2000.0


def test_the_rate_recovers_in_seconds() -> None:
    """Half of it by and by; then the bound is the given one, or none."""
    for ceiling in (1000.0, None):
        clock = Clock()
        pace = Pace(ceiling, clock)
        for _ in range(50):
            pace.begin()
        for number in range(50):
            pace.throttled(f"{number}=")
        rates = []
        for _ in range(8):
            clock.now += WINDOW_S
            pace.begin()
            rates.append(pace.sends_per_second)
        assert rates[0] is not None
        assert rates[0] < 1000.0
        assert rates[-1] == ceiling


def test_the_rate_stays_above_a_floor() -> None:
    """Everybody is tried in the end."""
    clock = Clock()
    pace = Pace(1000.0, clock)
    for window in range(20):
        for number in range(9):
            pace.throttled(f"{window}.{number}=")
        clock.now += WINDOW_S
    assert pace.sends_per_second == RATE_MIN


def test_a_lower_rate_than_the_floor_is_kept() -> None:
    """The floor never speeds a sender up."""
    pace = Pace(10.0, Clock())
    for number in range(9):
        pace.throttled(f"{number}=")
    assert pace.sends_per_second == 10.0


def test_retry_after_holds_for_all_when_many_got_it() -> None:
    """Nothing new begins before."""
    pace = Pace(1000.0, Clock())
    assert [pace.throttled(f"{number}=", 2.0) for number in range(3)][-1]
    assert pace.begin() >= 2.0
