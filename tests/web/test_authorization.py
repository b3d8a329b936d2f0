"""web/client/authorization.js through a Connection: tokens in the address, fresh ones in time."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Run

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]

TOKENS = """
    let count = 0;
    const tokenOf = (claims) => `h.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.s`;
    const token = async () => {
      count += 1;
      return tokenOf({ sub: "ada", exp: count * 300 });
    };
    const parts = scripted({ token });
    parts.connection.connect();
    await settled();
    await parts.socket.open();
    const { connection, clock, socket } = parts;
    const claimsOf = (token) => token && atob(token.split(".")[1]);
    const sent = () => socket.sent.map(({ action, token }) => [action, claimsOf(token)]);
"""


async def test_each_connection_begins_with_a_fresh_token(run: "Run") -> None:
    """The token is asked for anew, and stands in the query string."""
    urls = await run("""
        let count = 0;
        const parts = scripted({ token: () => `a b${(count += 1)}` }, "ws://server/dev?name=x");
        parts.connection.connect();
        await settled();
        await parts.socket.end();
        await parts.clock.advance(300);
        return parts.sockets.map(({ url }) => url);
    """)
    assert urls == ["ws://server/dev?name=x&token=a%20b1", "ws://server/dev?name=x&token=a%20b2"]


async def test_a_token_is_refreshed_a_minute_before_it_expires(run: "Run") -> None:
    """At first as the token says, then as the server does."""
    early, sent = await run(
        TOKENS
        + """
        await clock.advance(239_999);
        const early = sent().filter(([action]) => action === "refresh").length;
        await clock.advance(1);
        await socket.reply(socket.sent.at(-1), { expires_at: 450 });
        await clock.advance(150_000);
        return [early, sent().filter(([action]) => action === "refresh")];
    """
    )
    assert early == 0
    assert sent == [
        ["refresh", '{"sub":"ada","exp":600}'],
        ["refresh", '{"sub":"ada","exp":900}'],
    ]


async def test_a_refresh_that_fails_for_a_time_is_tried_again(run: "Run") -> None:
    """Before the token is over, and the page is told why it is not refreshed yet."""
    count, errors = await run(
        TOKENS
        + """
        await clock.advance(240_000);
        const error = { code: 100, message: "internal error", temporary: true };
        await socket.reply(socket.sent.at(-1), error, false);
        await clock.advance(30_000);
        const requests = sent().filter(([action]) => action === "refresh");
        return [requests.length, parts.errors().map(({ code }) => code)];
    """
    )
    assert (count, errors) == (2, [100])


async def test_a_request_that_came_too_late_is_saved_by_a_refresh(run: "Run") -> None:
    """Nothing was done for it, so it is sent again with the fresh token's blessing."""
    actions, outcomes = await run(
        TOKENS
        + """
        const outcomes = [1, 2].map((data) => outcomeOf(connection.publish("chat:x", data)));
        const error = { code: 109, message: "token expired", temporary: false };
        for (const request of [...socket.sent]) await socket.reply(request, error, false);
        await socket.reply(socket.sent.at(-1), { expires_at: 1200 });
        for (const request of socket.sent.slice(3)) await socket.reply(request);
        return [sent().map(([action]) => action), outcomes.map((it) => "value" in it)];
    """
    )
    assert actions == ["publish", "publish", "refresh", "publish", "publish"]
    assert outcomes == [True, True]


async def test_without_a_token_function_an_expired_token_is_the_pages_business(
    run: "Run",
) -> None:
    """The error is passed on, and `refresh` takes a token of the page's."""
    outcome, sent = await run("""
        const { connection, socket } = await connected();
        const outcome = outcomeOf(connection.publish("chat:x", 1));
        const error = { code: 109, message: "token expired", temporary: false };
        await socket.reply(socket.sent[0], error, false);
        connection.refresh("mine");
        return [outcome, socket.sent[1]];
    """)
    assert outcome["code"] == 109
    assert sent == {"action": "refresh", "id": 2, "token": "mine"}


async def test_a_wrong_clock_does_not_make_refreshes_crowd(run: "Run") -> None:
    """Whatever the expiry seems to be, 10 s lie between two."""
    count = await run(
        TOKENS
        + """
        await clock.advance(240_000);
        for (let round = 0; round < 6; round += 1) {
          const request = socket.sent.at(-1);
          if (request.action === "refresh") await socket.reply(request, { expires_at: 1 });
          await clock.advance(5_000);
        }
        return sent().filter(([action]) => action === "refresh").length;
    """
    )
    assert count == 4
