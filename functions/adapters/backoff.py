"""How long to wait before something is tried again."""

import random
from typing import Final

FIRST_S: Final = 0.05


def backoff_s(attempt: int, *, most_s: float, first_s: float = FIRST_S) -> float:
    """Give the wait after the first, second ... attempt: `first_s`, doubling to `most_s`.

    A quarter less to a quarter more, so that those who failed together don't come back together.
    """
    wait_s = min(most_s, first_s * 2.0 ** (attempt - 1))
    return wait_s * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, keeps no secret
