"""The chat page in headless Chromium: people who join, talk, lose the server and get it back."""

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.headless import headless_chromium

if TYPE_CHECKING:
    from tests.e2e.conftest import RunningEmulator

pytestmark = pytest.mark.chromium

DESKTOP = (1280, 800)
PHONE = (375, 740)
DELIVERED_MS = 5_000
RECONNECTED_MS = 30_000

Join = Callable[..., Awaitable["Person"]]


class Person:
    """Somebody at a page of their own, with all that the page asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        page.on("console", lambda it: self.complaints.append(f"{it.type}: {it.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.add(request.url))
        page.on("websocket", lambda socket: self.asked.add(socket.url))
        self.state = page.get_by_role("status")
        self.heard = page.locator(".log:not([hidden]) .message:not(.own) .text")
        self.said = page.locator(".log:not([hidden]) .message.own .text")

    async def join(self, page_url: str, name: str) -> None:
        """Open the page and join under a name; wait until the page is connected."""
        await self.page.goto(page_url)
        await self.page.get_by_label("Your name").fill(name)
        await self.page.get_by_role("button", name="Join").click()
        await self.is_back()

    async def is_back(self) -> None:
        """Wait until the page is connected, and the server sends it what its channels hear."""
        await expect(self.state).to_have_text("Connected", timeout=RECONNECTED_MS)
        await expect(self.page.locator(".channel[data-subscribed]")).not_to_have_count(0)
        await expect(self.page.locator(".channel:not([data-subscribed])")).to_have_count(0)

    async def say(self, text: str) -> None:
        """Type a message and press Enter."""
        await self.page.get_by_label("Message", exact=True).fill(text)
        await self.page.get_by_label("Message", exact=True).press("Enter")

    async def enter(self, channel: str) -> None:
        """Choose a channel that is listed."""
        await self.page.get_by_role("button", name=channel).click()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start the browser that the variable CHROMIUM or the path has."""
    async with headless_chromium() as browser:
        yield browser


@pytest.fixture
def join(browser: Browser, shared_emulator: "RunningEmulator") -> Join:
    """Let people join the test's own channel, each in a browser profile of their own."""
    channel = f"chat:{uuid.uuid4().hex[:8]}"  # what others said stays in theirs

    async def join(
        name: str,
        *,
        size: tuple[int, int] = DESKTOP,
        at: "RunningEmulator" = shared_emulator,
    ) -> Person:
        width, height = size
        person = Person(await browser.new_page(viewport={"width": width, "height": height}))
        await person.join(f"{at.page_url}#{channel}", name)
        return person

    return join


async def test_two_people_talk_both_ways(join: Join, shared_emulator: "RunningEmulator") -> None:
    """Messages reach the other at once and their author once; nothing comes from elsewhere."""
    ada, grace = await join("Ada"), await join("Grace")
    await ada.say("Hello Grace")
    await expect(grace.heard).to_have_text(["Hello Grace"], timeout=DELIVERED_MS)
    await grace.say("Hello Ada")
    await expect(ada.heard).to_have_text(["Hello Ada"], timeout=DELIVERED_MS)
    await grace.say("How is the gate?")
    await expect(ada.heard).to_have_text(["Hello Ada", "How is the gate?"], timeout=DELIVERED_MS)
    await expect(ada.page.locator(".log:not([hidden]) .author").last).to_have_text("Grace")
    await expect(ada.said).to_have_text(["Hello Grace"])
    await expect(grace.said).to_have_text(["Hello Ada", "How is the gate?"])
    expected = {urlsplit(url).netloc for url in (shared_emulator.page_url, shared_emulator.url)}
    for person in (ada, grace):
        assert person.complaints == []
        hosts = {urlsplit(url).netloc for url in person.asked if not url.startswith("data:")}
        assert hosts == expected


async def test_who_comes_later_reads_what_was_said_and_sees_who_is_here(join: Join) -> None:
    """History once and in order, unread by nobody's count; presence follows joins and leaves."""
    ada = await join("Ada")
    for text in ("One", "Two"):
        await ada.say(text)
        await expect(ada.page.locator(".message[data-delivery=sent]").last).to_contain_text(text)
    grace = await join("Grace")
    await expect(grace.heard).to_have_text(["One", "Two"], timeout=DELIVERED_MS)
    await expect(grace.page.locator(".unread:visible")).to_have_count(0)
    for person in (ada, grace):
        here = person.page.locator("#people summary")
        await expect(here).to_have_text("2 here", timeout=DELIVERED_MS)
        await here.click()
        await expect(person.page.locator("#people-list li")).to_contain_text(["Ada", "Grace"])
    await grace.page.get_by_label("Message", exact=True).press_sequentially("Thr")
    activity = ada.page.locator("#activity")
    await expect(activity).to_have_text("Grace is typing…", timeout=DELIVERED_MS)
    await grace.say("Three")
    await expect(ada.heard).to_have_text(["Three"], timeout=DELIVERED_MS)
    await expect(activity).to_have_text("")
    await grace.page.close()
    await expect(ada.page.locator("#people summary")).to_have_text("1 here", timeout=DELIVERED_MS)
    assert ada.complaints == grace.complaints == []


async def test_what_people_write_is_shown_as_text(join: Join) -> None:
    """Neither a message nor a name can put markup into another's page."""
    texts = [
        "<script>document.title = 'taken'</script>",
        "<img src=x onerror=alert(1)>",
        "a\n b & c",
    ]
    name = "<b onclick=x>Eve</b>"
    eve, ada = await join(name), await join("Ada")
    for text in texts:
        await eve.say(text)
        await expect(ada.heard.last).to_have_text(text, timeout=DELIVERED_MS)
    assert await ada.heard.all_inner_texts() == texts
    await expect(ada.page.locator(".log:not([hidden]) .author").first).to_have_text(name)
    assert await ada.page.locator(".message :is(script, img, b)").count() == 0
    assert ada.complaints == eve.complaints == []


async def test_channels_are_kept_apart_and_show_what_is_unread(join: Join) -> None:
    """A message is seen in its channel; elsewhere the page counts it."""
    ada, grace = await join("Ada"), await join("Grace")
    await grace.enter("random")
    await grace.say("Over here")
    await expect(ada.page.get_by_role("button", name="random 1 unread")).to_be_visible()
    await expect(ada.heard).to_have_count(0)
    await ada.enter("random")
    await expect(ada.heard).to_have_text(["Over here"])
    await expect(ada.page.locator(".unread:visible")).to_have_count(0)


async def test_a_channel_of_ones_own_can_be_added_and_left(join: Join) -> None:
    """Who types the same name is in it; a name that can't be one is explained."""
    ada, grace = await join("Ada"), await join("Grace")
    for person in (ada, grace):
        await person.page.get_by_role("button", name="Add a channel").click()
        await person.page.get_by_label("Name of the channel").fill("team blue")
        await person.page.get_by_label("Name of the channel").press("Enter")
        await expect(person.page.get_by_role("alert")).to_contain_text("letters, digits")
        await person.page.get_by_label("Name of the channel").fill("team-blue")
        await person.page.get_by_label("Name of the channel").press("Enter")
        await expect(person.page.get_by_role("heading", level=1)).to_have_text("team-blue")
        await person.is_back()
    await ada.say("Only us")
    await expect(grace.heard).to_have_text(["Only us"], timeout=DELIVERED_MS)
    await grace.page.get_by_role("button", name="Leave channel").click()
    await expect(grace.page.get_by_role("heading", level=1)).to_have_text("general")
    await expect(grace.page.get_by_role("button", name="team-blue")).to_have_count(0)


async def test_the_page_comes_back_by_itself_after_the_server_went_away(
    join: Join, emulator: "RunningEmulator"
) -> None:
    """The state says so meanwhile, what could not be sent is marked, and messages flow again."""
    ada, grace = await join("Ada", at=emulator), await join("Grace", at=emulator)
    await emulator.stop()
    for person in (ada, grace):
        await expect(person.state).to_have_text("Reconnecting…")
    await ada.say("Anybody there?")
    again = ada.page.get_by_role("button", name="Try again")
    await expect(again).to_be_visible()
    await emulator.restart()
    for person in (ada, grace):
        await person.is_back()
    await again.click()
    await expect(grace.heard).to_have_text(["Anybody there?"], timeout=DELIVERED_MS)
    await expect(again).to_be_hidden()
    await grace.say("Here again")
    await expect(ada.heard).to_have_text(["Here again"], timeout=DELIVERED_MS)
    # The browser itself notes each attempt that failed.
    assert [it for it in ada.complaints if "WebSocket connection to" not in it] == []


async def test_nothing_is_lost_while_the_page_is_cut_off(
    join: Join, emulator: "RunningEmulator"
) -> None:
    """What was said between two connections is there, in its order and once."""
    ada, grace = await join("Ada", at=emulator), await join("Grace", at=emulator)
    connections = re.compile(r"connect +([\w-]+=)")
    texts = [f"Message {number}" for number in range(12)]
    async with aiohttp.ClientSession() as session:
        for number, text in enumerate(texts):
            await ada.say(text)
            own = ada.page.locator(".message.own").last  # the next may overtake one that is not
            await expect(own).to_have_attribute("data-delivery", "sent", timeout=DELIVERED_MS)
            if number % 4 == 1:
                url = f"{emulator.management_url}/@connections/"
                latest = connections.findall(emulator.output)[-1]  # Grace's
                await (await session.delete(url + latest)).release()
    await expect(grace.heard).to_have_text(texts, timeout=RECONNECTED_MS)
    assert len(connections.findall(emulator.output)) > 2


async def test_nothing_is_wider_than_a_phone(join: Join) -> None:
    """Not the first screen, not long words, not many channels: a phone never scrolls sideways."""
    ada, grace = await join("Ada " * 9, size=PHONE), await join("Grace")
    excess = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    await grace.say("antidisestablishmentarianism" * 10)
    await ada.say("pneumonoultramicroscopic" * 10)
    await expect(ada.heard).to_have_count(1, timeout=DELIVERED_MS)
    for name in ("a-channel-with-a-very-long-name", "another", "and-another"):
        await ada.page.get_by_role("button", name="Add a channel").click()
        await ada.page.get_by_label("Name of the channel").fill(name)
        assert await ada.page.evaluate(excess) == 0
        await ada.page.get_by_label("Name of the channel").press("Enter")
    assert await ada.page.evaluate(excess) == 0
    await ada.enter("general")
    await expect(ada.page.get_by_label("Message", exact=True)).to_be_in_viewport(ratio=1)
    await ada.page.get_by_role("button", name="Leave", exact=True).click()
    await expect(ada.page.get_by_label("Your name")).to_be_visible()
    assert await ada.page.evaluate(excess) == 0


async def test_an_address_that_is_none_is_explained(
    browser: Browser, shared_emulator: "RunningEmulator"
) -> None:
    """`?url=` may name any server; what is no WebSocket address gets a sentence, not silence."""
    page = await browser.new_page()
    await page.goto(f"{shared_emulator.page_url}?url=https://example.invalid/")
    await expect(page.get_by_role("alert")).to_contain_text("ws:// or wss://")
    await expect(page.get_by_role("button", name="Join")).to_be_disabled()
    await page.goto(f"{shared_emulator.page_url}?url={shared_emulator.url}")
    await expect(page.get_by_role("button", name="Join")).to_be_enabled()
