"""The namespaces: what each kind of channel offers. The place to add your own.

The options are explained in functions/core/namespaces.py.
"""

from typing import Final

from functions.core.namespaces import Namespace, Namespaces, Rate

DAY_S: Final = 24 * 3600

NAMESPACES: Final[Namespaces] = {
    # People talk: who comes late reads what was said, and everybody sees who is there.
    "chat": Namespace(
        history_size=100,
        history_age_s=DAY_S,
        presence=True,
        announces=True,
        signals=True,
    ),
    # A server tells: a new subscriber has the last value at once.
    "ticker": Namespace(
        history_size=1, history_age_s=DAY_S, delivers_last=True, clients_publish=False
    ),
    # Players move: what is late is worthless, so nothing is kept.
    "game": Namespace(
        presence=True,
        announces=True,
        signals=True,
        publish_rate=Rate(burst=40, interval_s=0.05),
        signal_rate=Rate(burst=60, interval_s=0.02),
    ),
}
