"""web/client over a log that loses, repeats and reorders: the page gets the stream, or is told."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Run

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]

PLAYED = """
    const { chanceOf, LogServer } = await import("/log_server.js");
    const outcomes = [];
    for (let seed = FIRST; seed < FIRST + 20; seed += 1) {
      const chance = chanceOf(seed);
      const parts = scripted();
      const server = new LogServer({ parts, chance, kept: KEPT });
      for (let rest = Math.floor(chance() * 30); rest > 0; rest -= 1) {
        const offset = server.reserve();
        if (chance() < 0.9) server.fill(offset);
      }
      const heard = [];
      const broken = [];
      parts.connection.on("broken", (detail) => broken.push(detail));
      const listener = ({ offset }) => heard.push(offset);
      parts.connection.subscribe("chat:x", listener, { history: 1_000 });
      parts.connection.connect();
      await settled();
      for (let step = 0; step < 250; step += 1) await server.step();
      await server.settle();
      parts.connection.close();
      const published = server.publications.map(({ offset }) => offset);
      outcomes.push({ heard, published, broken, links: parts.sockets.length });
    }
    return outcomes;
"""


@pytest.mark.parametrize("first", [0, 1_000, 2_000])
async def test_whatever_happens_on_the_way_the_page_gets_exactly_the_stream(
    run: "Run", first: int
) -> None:
    """Loss, repeats, any order, holes, cuts: what came out is what was published, in order."""
    outcomes = await run(PLAYED.replace("FIRST", str(first)).replace("KEPT", "1_000"))
    for outcome in outcomes:
        assert outcome["heard"] == outcome["published"]
        assert outcome["broken"] == []
    assert max(len(outcome["published"]) for outcome in outcomes) > 100
    assert max(outcome["links"] for outcome in outcomes) > 5


@pytest.mark.parametrize("first", [0, 1_000, 2_000])
async def test_what_a_short_history_loses_is_told(run: "Run", first: int) -> None:
    """In order and once as ever; all that is missing lies in a range that `broken` named."""
    outcomes = await run(PLAYED.replace("FIRST", str(first)).replace("KEPT", "10"))
    for outcome in outcomes:
        heard = outcome["heard"]
        assert heard == sorted(set(heard))
        lost = set(outcome["published"]) - set(heard)
        named = [(it["since"]["offset"], it["position"]["offset"]) for it in outcome["broken"]]
        assert [
            offset
            for offset in lost
            if offset > heard[0] and not any(low < offset <= high for low, high in named)
        ] == []
    assert any(outcome["broken"] for outcome in outcomes)
