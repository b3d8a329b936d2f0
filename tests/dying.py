"""A function that is killed between two steps: what it did stays done, and nothing follows."""

import inspect
from collections.abc import AsyncIterator
from typing import TypeVar, cast

from msgspec import structs

from functions.core.context import Services
from functions.core.ports import Store

S = TypeVar("S", bound=Services)
P = TypeVar("P")


class Died(BaseException):
    """The function was killed; no code of its own gets to know of it."""


class Life:
    """A life that ends at a moment: each call of Store or Transport has one before and one after.

    Moment 0 is before the first call, 1 after it, and so on.
    """

    def __init__(self, ends_at: int) -> None:
        self._left = ends_at

    def live(self, services: S) -> S:
        """Give the same surroundings, as long as this life lasts."""
        store = services.store
        return structs.replace(
            services,
            store=Store(
                connections=_mortal(store.connections, self),
                subscriptions=_mortal(store.subscriptions, self),
                log=_mortal(store.log, self),
                presence=_mortal(store.presence, self),
            ),
            transport=_mortal(services.transport, self),
        )

    def pass_moment(self) -> None:
        """Live on, or die; whoever is dead stays so."""
        self._left -= 1
        if self._left < 0:
            raise Died


def _mortal(part: P, life: Life) -> P:
    return cast("P", _Mortal(part, life))


class _Mortal:
    def __init__(self, part: object, life: Life) -> None:
        self._part = part
        self._life = life

    def __getattr__(self, name: str) -> object:
        found = getattr(self._part, name)
        if inspect.isasyncgenfunction(found):

            async def give(*args: object, **kwargs: object) -> AsyncIterator[object]:
                self._life.pass_moment()
                async for each in found(*args, **kwargs):
                    yield each
                self._life.pass_moment()

            return give
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*args: object, **kwargs: object) -> object:
            self._life.pass_moment()
            result = await found(*args, **kwargs)
            self._life.pass_moment()
            return result

        return call
