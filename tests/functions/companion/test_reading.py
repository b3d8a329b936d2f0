"""History, presence and stats for servers, who need no grant for a channel."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from functions.core import channels

if TYPE_CHECKING:
    from tests.functions.companion.conftest import Ask
    from tests.functions.conftest import MakeContext


async def test_history_is_paged_both_ways(ask: "Ask") -> None:
    """Each answer says where to go on."""
    for number in range(1, 6):
        await ask("POST", "/v1/publish", {"channel": "log:a", "data": number})

    async def page(**query: object) -> tuple[list[int], bool, dict[str, object]]:
        answer = await ask("GET", "/v1/history", query=urlencode({"channel": "log:a", **query}))
        assert answer.status == 200
        found = answer.json
        data = [each["data"] for each in found["publications"]]
        return data, found["more"], {"epoch": found["epoch"], "offset": found["offset"]}

    data, more, position = await page(limit=2)
    assert (data, more) == ([1, 2], True)
    data, more, position = await page(limit=3, **position)
    assert (data, more) == ([3, 4, 5], False)
    assert (await page(limit=2, reverse="true"))[:2] == ([5, 4], True)
    answer = await ask("GET", "/v1/history", query="channel=log:a&epoch=other&offset=1")
    assert (answer.status, answer.json["code"]) == (410, 112)


async def test_presence_is_listed_and_counted(ask: "Ask", make_context: "MakeContext") -> None:
    """Two tabs are one user."""
    for connection_id, user in (("a=", "ann"), ("b=", "ann"), ("c=", "bob")):
        context = make_context(connection_id, user=user)
        await channels.subscribe(context, [channels.Wanted("live:a")])
    first = await ask("GET", "/v1/presence", query="channel=live:a&limit=1")
    assert {user: set(each["connections"]) for user, each in first.json["users"].items()} == {
        "ann": {"a=", "b="}
    }
    assert first.json["users"]["ann"]["info"] == {"name": "N"}
    query = urlencode({"channel": "live:a", "cursor": first.json["cursor"]})
    rest = await ask("GET", "/v1/presence", query=query)
    assert list(rest.json["users"]) == ["bob"]
    assert "cursor" not in rest.json
    counts = await ask("GET", "/v1/stats", query="channel=live:a")
    assert counts.json == {"connections": 3, "users": 2}


async def test_what_a_namespace_lacks_is_not_available(ask: "Ask") -> None:
    """422 with error 108; an unknown one is 404."""
    for path in ("/v1/history", "/v1/presence", "/v1/stats"):
        answer = await ask("GET", path, query="channel=plain:a")
        assert (answer.status, answer.json["code"]) == (422, 108)
        answer = await ask("GET", path, query="channel=none:a")
        assert (answer.status, answer.json["code"]) == (404, 102)
