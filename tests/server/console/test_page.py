"""The console page in a browser. Screenshots are saved in the tests' temporary folders."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from livekit import DisconnectReason, Room, RpcError, RpcInvocationData, TextStreamReader
from livekit.api import TokenVerifier
from livekit.server import DevServer
from tests.server.console.user import DESKTOP, PHONE, TABLET, User, open_browser
from tests.support.processes import read_until, running

pytestmark = [pytest.mark.peers, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

CREATE = "#join-form [type=submit]"
CALL = "#call-form [type=submit]"
PATIENCE = 30.0
CONTRAST = Path(__file__).with_name("contrast.js").read_text()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[User]:
    async with open_browser() as user:
        yield user


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[DevServer]:
    async with DevServer(port=0, console=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def user(browser: User, server: DevServer) -> AsyncIterator[User]:
    """A browser at the console; checks at the end that it logged no problem and made no request to another host."""
    await browser.visit(server)
    yield browser
    assert await browser.problems() == []
    assert server.console_url is not None
    assert await browser.origins() == [server.console_url.rstrip("/")]


def greet(data: RpcInvocationData) -> str:
    return f"Hello {data.payload}"


async def wait(data: RpcInvocationData) -> str:
    await asyncio.sleep(3600)
    return ""


def bake(data: RpcInvocationData) -> str:
    raise RpcError(2001, "the oven is cold", '{"degrees": 20}')


@contextlib.asynccontextmanager
async def two_participants(server: DevServer) -> AsyncGenerator[tuple[Room, Room]]:
    """Connect Alice, with the methods `greet` and `bake`, and Bob."""
    async with Room() as alice, Room() as bob:
        alice.register_rpc_method("greet", greet)
        alice.register_rpc_method("bake", bake)
        await alice.connect(server.url, server.token("alice", room="demo", name="Alice", attributes={"role": "cook"}))
        await bob.connect(server.url, server.token("bob", room="demo"))
        yield alice, bob


async def call(room: Room, method: str, payload: str = "") -> None:
    with contextlib.suppress(RpcError):
        _ = await room.local_participant.perform_rpc(destination_identity="alice", method=method, payload=payload)


async def program(user: User, tool: str, language: str = "python") -> str:
    """Copy a program from the page and return it."""
    await user.click(f"#{tool}-snippet-{language}")
    await user.click(f"#{tool}-snippet [aria-label^=Copy]")
    await user.sees(f"#{tool}-snippet >> text=Copied")
    return await user.clipboard()


async def test_first_visit_leads_to_a_participant(user: User, server: DevServer, tmp_path: Path) -> None:
    await user.sees("text=No participants.")
    await user.picture(tmp_path / "empty.png")
    await user.fill("#join-form [name=room]", "kitchen")
    await user.fill("#join-form [name=identity]", "carol")
    await user.click(CREATE)
    await user.click("#join-result [aria-label='Copy the token']")
    claims = TokenVerifier(server.api_key, server.api_secret).verify(await user.clipboard())
    assert claims.identity == "carol"
    async with running(sys.executable, "-c", await program(user, "join")) as joined:
        assert "joined kitchen" in await read_until(joined, "joined kitchen")
        await user.sees(".room:has(h3:text-is('kitchen')) .person:has-text('carol')")
        await user.picture(tmp_path / "joined.png")
    assert await user.run(await program(user, "join", "javascript")) == "joined kitchen"


async def test_calls_between_participants_and_from_the_page(user: User, server: DevServer, tmp_path: Path) -> None:
    async with two_participants(server) as (_, bob):
        await user.sees(".person[data-state=active]:has-text('alice') .chip:text-is('greet')")
        await user.sees(".person[data-state=active]:has-text('bob')")
        assert (await user.text("#figure-participants")) == "2"
        await user.click("text=payloads")
        await user.sees("#calls-payloads:checked")
        await call(bob, "greet", "world")
        await call(bob, "none")
        row = "#calls tbody:has-text('greet')"
        await user.sees(f"{row} >> .pill.good:text-is('OK')")
        assert "bob→alice" in "".join((await user.text(f"{row} >> .way")).split())
        await user.sees("#calls tbody:has-text('none') >> text=1400 Method not supported at destination")
        await user.click(f"{row} >> button")
        await user.sees(f"{row} >> text=Hello world")

        await user.click(".chip:text-is('greet')")
        await user.fill("#call-form [name=payload]", "server")
        await user.click(CALL)
        await user.sees("#call-result:has-text('Hello server')")
        await user.click(".chip:text-is('bake')")
        await user.click(CALL)
        await user.sees("#call-result .result.bad")
        result = await user.text("#call-result")
        assert all(part in result for part in ("2001", "the oven is cold", '"degrees": 20'))
        await user.sees("#calls tbody:has-text('server') >> text=2001 the oven is cold")
        await user.picture(tmp_path / "calls.png")

        await user.click("text=failed only")
        assert await user.count("#calls tbody:visible") == 2
        await user.fill("#calls-filter", "no such call")
        await user.sees("text=No call matches the filter.")
    await user.click("#tab-notes")
    await user.sees("#notes li:has-text('bob left')")
    await user.picture(tmp_path / "events.png")


@pytest.mark.parametrize("language", ["python", "javascript"])
async def test_copied_programs_work(user: User, server: DevServer, language: str) -> None:
    async def run(text: str, printed: str) -> None:
        if language == "javascript":
            assert await user.run(text) == printed
            return
        _ = await resources.enter_async_context(running(sys.executable, "-u", "-c", text))

    async with contextlib.AsyncExitStack() as resources:
        await user.fill("#join-form [name=identity]", "greeter")
        await user.click(CREATE)
        await user.sees("#token")
        await user.click("#tab-offer")
        await user.fill("#offer-form [name=method]", 'say "hi"')
        await run(await program(user, "offer", language), "waiting for calls")
        await user.sees(".person[data-state=active]:has-text('greeter')")

        await user.click("#tab-join")
        await user.fill("#join-form [name=identity]", "caller")
        await user.click(CREATE)
        await user.sees("#join-result:has-text('caller')")
        await user.click("#tab-call")
        await user.choose("#call-form [name=to]", "greeter in demo")
        await user.fill("#call-form [name=method]", 'say "hi"')
        await user.fill("#call-form [name=payload]", "you\nthere")
        await run(await program(user, "call", language), "Hello you\nthere, called by caller!")
        await user.sees("#calls tbody:has-text('caller') >> .pill.good")


async def test_keyboard_navigation(user: User, server: DevServer) -> None:
    async with two_participants(server) as (_, bob):
        await call(bob, "greet")
        await user.sees("#calls tbody")
        await user.press("Tab")
        assert await user.evaluate("document.activeElement.textContent") == "Skip to the forms"
        await user.press("Enter", "Tab")
        assert await user.evaluate("document.activeElement.id") == "tab-join"
        await user.press("Tab", "Tab")
        await user.type("dora")
        await user.press("Enter")
        await user.sees("#join-result:has-text('dora')")

        await user.press("Shift+Tab", "Shift+Tab", "End")
        assert await user.evaluate("document.activeElement.id") == "tab-offer"
        await user.press("ArrowLeft", "ArrowLeft")
        await user.sees("#panel-call")
        await user.press("Tab", "a", "Tab")
        await user.type("greet")
        await user.press("Tab", "Tab")
        await user.type("keys")
        await user.press("Tab", "Space")
        await user.sees("#call-result:has-text('Hello keys')")

        for _ in range(30):
            await user.press("Tab")
            if await user.evaluate("document.activeElement.className") == "open":
                break
        await user.press("Enter")
        await user.sees("#calls [aria-expanded=true]")
        await user.sees("#calls .detail >> text=request ID")


@pytest.mark.parametrize(
    ("size", "dark"),
    [(DESKTOP, True), (TABLET, False), (PHONE, False), (PHONE, True)],
    ids=["desktop-dark", "tablet-light", "phone-light", "phone-dark"],
)
async def test_layout_fits_and_contrast_is_sufficient(
    browser: User, server: DevServer, size: tuple[int, int], dark: bool, tmp_path: Path
) -> None:
    user = browser
    await user.visit(server, size, dark=dark)
    async with two_participants(server) as (_, bob):
        for method in ("greet", "bake", "none", "greet"):
            await call(bob, method, "x" * 30_000)
        await user.sees("#figure-calls:text-is('4')")
        await user.click("#calls tbody >> nth=1 >> button")
        for tab in ("tab-call", "tab-send", "tab-offer", "tab-methods", "tab-notes", "tab-calls", "tab-join"):
            await user.click(f"#{tab}")
            assert await user.evaluate("document.documentElement.scrollWidth") <= size[0]
            assert await user.evaluate("document.querySelector('#tool-tabs').scrollWidth") <= size[0] - 50
            assert await user.evaluate(CONTRAST) == []
        await user.picture(tmp_path / "read.png")
        environment = await user.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        brightness = sum(map(int, re.findall(r"\d+", environment)))
        assert (brightness < 200) is dark


@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE], ids=["desktop", "tablet", "phone"])
async def test_long_and_right_to_left_names_fit(
    browser: User, server: DevServer, size: tuple[int, int], tmp_path: Path
) -> None:
    user = browser
    await user.visit(server, size)
    async with Room() as first, Room() as second:
        for room, name in ((first, "x" * 250), (second, "שלום " * 25)):
            room.register_rpc_method("m" * 200, lambda data: "y" * 5000)
            await room.connect(server.url, server.token(name, room="r" * 200, attributes={"k" * 100: "v" * 100}))
        await user.click("#calls-payloads")
        await user.sees("#calls-payloads:checked")
        response = await first.local_participant.perform_rpc(
            destination_identity="שלום " * 25, method="m" * 200, payload=json.dumps({"key": ["z" * 3000]})
        )
        assert len(response) == 5000
        await user.click("#calls .open")
        await user.click("#tab-call")
        await user.click("#tab-methods")
        await user.sees("#methods tbody tr")
        assert await user.evaluate("document.documentElement.scrollWidth") == size[0]
        await user.click("#tab-calls")
        await user.sees("#calls .detail")
        assert await user.evaluate("document.documentElement.scrollWidth") == size[0]
        assert await user.evaluate(OVERLAPS) == []
        await user.picture(tmp_path / "long.png")


OVERLAPS = """(() => {
  const boxes = Array.from(document.querySelectorAll('.person summary > *, #calls tr:first-child td'));
  return boxes.filter((box) => {
    const [own, next] = [box.getBoundingClientRect(), box.nextElementSibling?.getBoundingClientRect()];
    const overflows = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX === 'visible';
    return overflows && next && next.top < own.bottom;
  }).map((box) => box.outerHTML);
})()"""
"""Elements whose content reaches into the element beside them."""


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_log_is_near_with_many_participants(
    browser: User, server: DevServer, size: tuple[int, int], tmp_path: Path
) -> None:
    user = browser
    await user.visit(server, size)
    async with contextlib.AsyncExitStack() as rooms:
        for number in range(29):
            room = await rooms.enter_async_context(Room())
            await room.connect(server.url, server.token(f"guest-{number}", room="demo"))
        await user.sees(".room:has-text('29 participants')")
        top = await user.evaluate("document.querySelector('.log').getBoundingClientRect().top + scrollY")
        assert top < size[1]
        await user.fill("#people-filter", "GUEST-28")
        await user.sees_no_more(".person >> nth=0")
        assert await user.count(".person:visible") == 1
        await user.fill("#people-filter", "nobody")
        await user.sees("#people-none")
        await user.fill("#people-filter", "")
        await user.sees(".person >> nth=0")
        assert await user.count(".person > details[open]") == 0
        await user.click("#people-fold")
        assert await user.count(".person > details[open]") == 29
        await user.click(".room > details > summary")
        await user.sees_no_more(".person >> nth=0")
        await user.picture(tmp_path / "many.png")


async def test_log_shows_why_a_call_has_no_response(user: User, server: DevServer) -> None:
    async with two_participants(server) as (alice, bob):
        alice.register_rpc_method("wait", wait)
        perform = bob.local_participant.perform_rpc
        for to, timeout in (("nobody", 5.0), ("alice", 0.2)):
            with contextlib.suppress(RpcError):
                await perform(destination_identity=to, method="wait", payload="", response_timeout=timeout)
        await user.sees("#calls tbody:has-text('nobody') >> text=1401 no such participant")
        await user.sees("#calls tbody:has-text('alice') >> text=/1502/")
        given_up = asyncio.create_task(
            perform(destination_identity="alice", method="wait", payload="", response_timeout=9)
        )
        await user.sees("#calls .pill:text-is('waiting')")
        await user.sees("#calls tbody:has(.pill:text-is('waiting')) .number:has-text('s')")
        given_up.cancel()
        await user.sees("#calls .pill:text-is('cancelled by the caller')")
        assert await user.text("#figure-failed") == "2"


async def test_call_under_way_is_cancelled_and_called_again(user: User, server: DevServer) -> None:
    cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait_once(data: RpcInvocationData) -> str:
        if cancelled.done():
            return json.dumps({"long": 2**70, "list": []}).replace(str(2**70), "1" * 30)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set_result(None)
            raise
        return ""

    async with two_participants(server) as (alice, _):
        alice.register_rpc_method("wait", wait_once)
        await user.click("#calls-payloads")
        await user.click("#tab-call")
        await user.choose("#call-form [name=to]", "alice in demo")
        await user.fill("#call-form [name=method]", "wait")
        await user.fill("#call-form [name=payload]", "again")
        await user.click(CALL)
        await user.sees("#call-result .clock:has-text('.')")
        await user.click("#call-cancel")
        await user.sees("#call-result:has-text('Cancelled after')")
        await asyncio.wait_for(cancelled, PATIENCE)
        await user.sees("#calls .pill:text-is('cancelled by the caller')")
        await user.click("#calls .open")
        await user.fill("#call-form [name=payload]", "")
        await user.click("text=Call again")
        await user.sees("#call-result .result:has-text('Response')")
        assert (await user.text("#call-result pre")).split() == ["{", '"long":', "1" * 30 + ",", '"list":', "[]", "}"]


async def test_snippet_has_a_token_for_the_room_of_the_callee(user: User, server: DevServer) -> None:
    async with Room() as room:
        room.register_rpc_method("greet", greet)
        await room.connect(server.url, server.token("alice", room="kitchen"))
        await user.fill("#join-form [name=room]", "elsewhere")
        await user.click(CREATE)
        await user.sees("#token")
        await user.click(".chip:text-is('greet')")
        await user.sees("#call-snippet:has-text('in room \"kitchen\"')")
        assert await user.run(await program(user, "call", "javascript")) == "Hello "


async def test_messages_are_sent(user: User, server: DevServer) -> None:
    received: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    async with two_participants(server) as (alice, bob):
        bob.on("data_received", lambda packet: received.put_nowait((packet.topic or "", packet.data.decode())))

        async def read(reader: TextStreamReader) -> None:
            received.put_nowait((reader.info.topic, await reader.read_all()))

        readers: list[asyncio.Task[None]] = []
        for topic in ("news", "lk.chat"):
            alice.register_text_stream_handler(
                topic, lambda reader, sender: readers.append(asyncio.ensure_future(read(reader)))
            )
        await user.click(".person:has-text('bob') >> text=Send…")
        await user.fill("#send-form [name=topic]", "temperature")
        await user.fill("#send-form [name=text]", "20 °C")
        await user.click("#send-form [type=submit]")
        await user.sees("#send-result:has-text('Sent to 1 participant.')")
        assert await asyncio.wait_for(received.get(), PATIENCE) == ("temperature", "20 °C")
        await user.choose("#send-form [name=to]", "everyone in demo")
        for kind, topic in (("text", "news"), ("chat", "lk.chat")):
            await user.choose("#send-form [name=kind]", kind)
            if kind == "text":
                await user.fill("#send-form [name=topic]", topic)
            await user.fill("#send-form [name=text]", "é" * 20_000)
            await user.click("#send-form [type=submit]")
            assert await asyncio.wait_for(received.get(), PATIENCE) == (topic, "é" * 20_000)
        await asyncio.gather(*readers)
        await user.sees("#send-result:has-text('Sent to 2 participants.')")


async def test_participants_are_edited_and_removed(user: User, server: DevServer) -> None:
    async with two_participants(server) as (alice, bob):
        gone: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        alice.on("disconnected", gone.set_result)
        changed: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        bob.on("participant_attributes_changed", lambda changes, person: changed.put_nowait(changes))
        await user.click(".person:has-text('alice') >> text=Edit…")
        await user.sees("#edit[open]")
        await user.fill("#edit-form [name=name]", "Alice B.")
        await user.fill("#edit-form [name=metadata]", "m" * 2000)
        await user.click("#edit [aria-label='Delete role']")
        await user.click("#edit-add")
        await user.type("mood")
        await user.press("Tab")
        await user.type("calm")
        await user.press("Enter")
        await user.sees_no_more("#edit[open]")
        assert (await asyncio.wait_for(changed.get(), PATIENCE)).get("mood") == "calm"
        person = bob.remote_participants["alice"]
        assert (person.name, person.metadata, dict(person.attributes)) == ("Alice B.", "m" * 2000, {"mood": "calm"})
        await user.sees(".person:has-text('alice'):has-text('Alice B.'):has-text('calm')")

        await user.click(".person:has-text('alice') >> text=Remove")
        await user.click("text=Remove now?")
        assert await asyncio.wait_for(gone, PATIENCE) == DisconnectReason.PARTICIPANT_REMOVED
        await user.sees_no_more(".person:has-text('alice')")


async def test_methods_show_durations_and_failures(user: User, server: DevServer, tmp_path: Path) -> None:
    async with two_participants(server) as (_, bob):
        for method in ("greet", "greet", "greet", "bake"):
            await call(bob, method)
        await user.click("#tab-methods")
        row = "#methods tbody tr:has-text('greet')"
        await user.sees(f"{row} >> .calls:text-is('3')")
        await user.sees(f"{row} >> .share:text-is('0 %')")
        await user.sees(f"{row} >> .p95:has-text('ms')")
        await user.sees("#methods tbody tr:has-text('bake') >> .share:text-is('100 %')")
        await user.picture(tmp_path / "methods.png")
        await user.click(f"{row} >> .link")
        assert await user.count("#calls tbody:visible") == 3


async def test_names_are_not_parsed_as_html(user: User, server: DevServer) -> None:
    name = "<img src=x onerror=alert(1)>{{1}}"
    async with Room() as room, Room() as other:
        room.register_rpc_method(name, greet)
        await room.connect(server.url, server.token(name, room=name, attributes={name: name}, metadata=name))
        await other.connect(server.url, server.token("other", room=name))
        perform = other.local_participant.perform_rpc
        assert await perform(destination_identity=name, method=name, payload=name) == f"Hello {name}"
        await user.sees("#calls tbody")
        await user.click(f".chip:text-is('{name}')")
        await user.click(CALL)
        await user.sees("#call-result .result")
        assert name in await user.text(".rooms h3")
        assert name in await user.text("#calls .open >> nth=0")
        assert name in await user.text("#call-snippet")
        assert await user.count("main img") == 0


async def test_pause_collects_calls_until_resumed(user: User, server: DevServer) -> None:
    async with two_participants(server) as (_, bob):
        await user.click("#calls-pause")
        await call(bob, "greet")
        await user.sees("text=Resume (1 more)")
        assert await user.count("#calls tbody") == 0
        await user.click("#calls-pause")
        await user.sees("#calls tbody")
        await user.sees("#calls-pause:text-is('Pause')")


async def test_page_reconnects_to_a_restarted_server(browser: User) -> None:
    async with DevServer(port=0, console=True) as first:
        await browser.visit(first)
        port = first.port
    await browser.sees("text=The server does not respond. Reconnecting")
    async with DevServer(port=port, console=True):
        await browser.sees("#live[data-live=yes]")
        await browser.click(CREATE)
        await browser.sees("#token")
