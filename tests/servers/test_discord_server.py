"""The Discord on loopback, driven by the real discord.py."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord.backoff import ExponentialBackoff
from discord.gateway import DiscordWebSocket
from discord.http import Route
from servers.discord_client import Bot, running
from servers.discord_faults import SEND
from servers.discord_server import DiscordServer
from servers.discord_world import SUPPRESS_NOTIFICATIONS, Channel, Person

VOTE: Any = {"name": "vote", "description": "Vote", "type": 1}
VOTE["options"] = [{"type": 4, "name": "choice", "description": "Which", "required": True}]
ORIGINAL: Any = "@original"


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordServer]:
    """Point discord.py at a server; fail if it asked for what Discord forbids."""
    async with DiscordServer() as server:
        monkeypatch.setattr(Route, "BASE", server.api_url)
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway_url))
        yield server
        assert server.violations == []


@pytest.fixture
def alice(server: DiscordServer) -> Person:
    return server.person(42, "Alice")


@pytest.fixture
def room(server: DiscordServer) -> Channel:
    return server.channel(server.guild(10, "Home"), "room", id=11)


async def test_bot_learns_where_it_is(server: DiscordServer, room: Channel) -> None:
    """A client that identifies is told its name, its guilds and their channels."""
    async with running(server) as bot:
        assert bot.user
        assert (bot.user.id, str(bot.room())) == (int(server.bot.id), "room")


async def test_message_is_heard(server: DiscordServer, alice: Person, room: Channel) -> None:
    """What somebody says arrives with its author, and its files can be downloaded for a day."""
    async with running(server) as bot:
        await server.say(alice, room, "look", attachments=[("a.txt", "text/plain", b"hello")])
        await bot.until("MESSAGE_CREATE")
        (heard,) = bot.heard
        assert (heard.author.id, heard.content) == (42, "look")
        assert await heard.attachments[0].read() == b"hello"
        server.advance(server.limits.attachment + 1)
        with pytest.raises(discord.NotFound):
            await heard.attachments[0].read()


async def test_reply_is_seen(server: DiscordServer, alice: Person, room: Channel) -> None:
    """What the bot sends can be read from the server: text, buttons, files, whom it answers."""
    said = await server.say(alice, room, "hi")
    async with running(server) as bot:
        view = discord.ui.View()
        view.add_item(discord.ui.Button(label="Yes", custom_id="yes"))
        file = discord.File(io.BytesIO(b"a,b"), "table.csv")
        target = discord.MessageReference(message_id=int(said.id), channel_id=11)
        await bot.room().send("hello", view=view, file=file, reference=target, silent=True)
    (sent,) = server.messages(room)
    assert (sent.content, sent.components) == ("hello", [("Yes", "yes")])
    assert (sent.files, sent.reference) == ([("table.csv", "text/csv", b"a,b")], said.id)
    assert sent.flags == SUPPRESS_NOTIFICATIONS


async def test_nonce_is_honoured(server: DiscordServer, room: Channel) -> None:
    """A nonce repeated within minutes makes no second message; later it does."""
    async with running(server) as bot:
        first = await bot.room().send("once", nonce="stable")
        again = await bot.room().send("once", nonce="stable")
        assert (again.id, len(server.messages(room))) == (first.id, 1)
        server.advance(server.limits.nonce)
        await bot.room().send("once", nonce="stable")
        assert len(server.messages(room)) == 2


async def test_content_needs_its_intent(
    server: DiscordServer, alice: Person, room: Channel
) -> None:
    """Without the intent a text is seen only if it is for the bot: a mention, or in private."""
    async with running(server, Bot(discord.Intents(guilds=True, messages=True))) as bot:
        await server.say(alice, room, "secret")
        await server.say(alice, room, f"{server.bot.mention} hi")
        await server.say(alice, server.dm(alice), "psst")
        await bot.until("MESSAGE_CREATE", 3)
        assert [message.content for message in bot.heard] == [
            "",
            f"{server.bot.mention} hi",
            "psst",
        ]


async def test_resume_replays_what_was_missed(
    server: DiscordServer, alice: Person, room: Channel
) -> None:
    """After a cut connection the client resumes, and is told what it missed, in order."""
    async with running(server) as bot:
        await server.gateway.disconnect()
        for text in ("one", "two"):
            await server.say(alice, room, text)
        await bot.until("RESUMED")
        assert [message.content for message in bot.heard] == ["one", "two"]


async def test_lost_session_can_be_read_back(
    server: DiscordServer, alice: Person, room: Channel
) -> None:
    """With a lost session the client identifies anew; what it missed is in the history."""
    async with running(server) as bot:
        last = await server.say(alice, room, "zero")
        await bot.until("MESSAGE_CREATE")
        await server.gateway.disconnect(4000, forget=True)
        for text in ("one", "two", "three"):
            await server.say(alice, room, text)
        await bot.until("READY", 2)
        after = discord.Object(int(last.id))
        missed = [message async for message in bot.room().history(after=after, oldest_first=True)]
        assert [message.content for message in missed] == ["one", "two", "three"]
        assert len(bot.heard) == 1


async def test_history_pages_from_the_oldest(
    server: DiscordServer, alice: Person, room: Channel
) -> None:
    """`after` gives the messages right behind it, the newest of them first."""
    said = [await server.say(alice, room, str(number)) for number in range(5)]
    async with running(server) as bot:
        page = await bot.http.logs_from(11, 2, after=int(said[0].id))
        assert [message["content"] for message in page] == ["2", "1"]


async def test_command_is_answered_later_by_its_token(
    server: DiscordServer, alice: Person, room: Channel
) -> None:
    """A deferred command is answered by editing the original response, from anywhere."""
    async with running(server) as bot:
        assert bot.application_id
        await bot.http.bulk_upsert_global_commands(bot.application_id, [VOTE])
        asked = await server.slash(alice, room, "vote", {"choice": 2})
        interaction = await bot.interactions.get()
        await interaction.response.defer()
        assert (asked.response, asked.original and asked.original.loading) == (5, True)
    async with aiohttp.ClientSession() as session:
        webhook = discord.Webhook.partial(int(server.bot.id), asked.token, session=session)
        for _ in range(2):
            await webhook.edit_message(ORIGINAL, content="2 it is")
    (answer,) = server.messages(room)
    assert (answer.content, answer.loading) == ("2 it is", False)
    assert answer is asked.original


async def test_interaction_is_acknowledged_in_time_or_never(
    server: DiscordServer, alice: Person, room: Channel
) -> None:
    """After three seconds an interaction is unknown; one acknowledged twice is refused."""
    message = server.bot_message(room, "Choose", [("Yes", "yes")])
    async with running(server) as bot:
        await server.press(alice, message, "Yes")
        late = await bot.interactions.get()
        server.advance(server.limits.acknowledge)
        with pytest.raises(discord.NotFound, match="10062"):
            await late.response.defer()
        pressed = await server.press(alice, message, "Yes")
        first = await bot.interactions.get()
        await first.response.defer()
        first.response._response_type = None
        with pytest.raises(discord.HTTPException, match="40060"):
            await first.response.defer()
        assert (pressed.response, pressed.original) == (6, message)


async def test_modal_is_submitted(server: DiscordServer, alice: Person, room: Channel) -> None:
    """What is there already can be submitted; other questions are none, and only once shown."""
    message = server.bot_message(room, "Choose", [("Yes", "yes")])
    asked: discord.ui.Modal = discord.ui.Modal(title="Who?", custom_id="who")
    asked.add_item(discord.ui.Label(text="Name", component=discord.ui.TextInput(default="Ann")))
    async with running(server) as bot:
        pressed = await server.press(alice, message, "Yes")
        with pytest.raises(LookupError):
            await server.submit(pressed, {})
        await (await bot.interactions.get()).response.send_modal(asked)
        for made_up in ({"Name": ""}, {"Name": "Ann", "Town": "Ulm"}):
            with pytest.raises(LookupError):
                await server.submit(pressed, made_up)
        submitted = await server.submit(pressed, {})
        interaction = await bot.interactions.get()
        assert interaction.data
        assert interaction.data.get("custom_id") == "who"
        await interaction.response.defer()
        assert (submitted.response, submitted.original) == (6, message)


async def test_interaction_token_ends(server: DiscordServer, alice: Person, room: Channel) -> None:
    """A quarter of an hour later an interaction can be answered no more."""
    message = server.bot_message(room, "Choose", [("Yes", "yes")])
    async with running(server) as bot:
        await server.press(alice, message, "Yes")
        interaction = await bot.interactions.get()
        await interaction.response.send_message("Noted", ephemeral=True)
        await interaction.edit_original_response(content="Noted!")
        server.advance(server.limits.interaction_token)
        with pytest.raises(discord.HTTPException) as refused:
            await interaction.edit_original_response(content="Too late")
        assert (refused.value.status, refused.value.code) == (401, 50027)
        assert [message.content for message in server.messages() if message.ephemeral] == ["Noted!"]


@pytest.mark.parametrize("custom_id", ["yes", "forged"])
async def test_press_reaches_a_new_process(
    server: DiscordServer, alice: Person, room: Channel, custom_id: str
) -> None:
    """A button on a message of an earlier process is told with its id, even one made up."""
    message = server.bot_message(room, "Choose", [("Yes", "yes")])
    async with running(server) as bot:
        await server.press(alice, message, custom_id=custom_id)
        interaction = await bot.interactions.get()
        assert interaction.data
        assert interaction.data.get("custom_id") == custom_id
        assert interaction.message
        assert interaction.message.id == int(message.id)


async def test_lost_answer_is_found_by_its_nonce(server: DiscordServer, room: Channel) -> None:
    """When an answer is lost the message is there all the same, once, however often repeated."""
    lost = server.faults.drop(SEND, when="after", reset=True)
    async with running(server) as bot:
        with pytest.raises(aiohttp.ClientError):
            await bot.room().send("once", nonce="stable")
        again = await bot.room().send("once", nonce="stable")
    (sent,) = server.messages(room)
    assert (len(lost.hits), sent.id) == (1, str(again.id))


async def test_refused_connection_has_no_effect(server: DiscordServer, room: Channel) -> None:
    """A connection cut before the effect raises the same, and nothing was sent."""
    server.faults.drop(SEND, when="before")
    async with running(server) as bot:
        with pytest.raises(aiohttp.ClientError):
            await bot.room().send("lost")
    assert (server.messages(room), server.calls[-1].status) == ([], 0)


async def test_rate_limit_is_waited_for(server: DiscordServer, room: Channel) -> None:
    """A 429 of Discord's is waited for by discord.py; one of Cloudflare's is raised."""
    waited = server.faults.rate_limit(SEND, 0.01, times=2)
    async with running(server) as bot:
        await bot.room().send("at last")
        assert len(waited.hits) == 2
        server.faults.rate_limit(SEND, 60, via=False)
        with pytest.raises(discord.HTTPException) as refused:
            await bot.room().send("never")
        assert refused.value.status == 429


async def test_bucket_tells_what_is_left(server: DiscordServer, room: Channel) -> None:
    """In a bucket the client paces itself by the headers and meets no 429."""
    server.faults.bucket(SEND, limit=2, seconds=0.2)
    async with running(server) as bot:
        for number in range(4):
            await bot.room().send(str(number))
    assert [call.status for call in server.calls if call.route == SEND] == [200] * 4


async def test_stalled_call_waits(server: DiscordServer, room: Channel) -> None:
    """A stalled call takes effect when it is let go."""
    stalled = server.faults.stall(SEND)
    async with running(server) as bot:
        sending = asyncio.create_task(bot.room().send("slow"))
        await server.wait_for(lambda: stalled.hits)
        assert server.messages(room) == []
        stalled.release()
        await sending


REFUSALS: list[tuple[str, int, int]] = [
    ("empty", 400, 50006),
    ("long", 400, 50035),
    ("hidden", 403, 50001),
    ("read only", 403, 50013),
    ("no messages", 403, 50007),
    ("no channel", 404, 10003),
    ("no message", 404, 10008),
]


@pytest.mark.parametrize(("case", "status", "code"), REFUSALS)
async def test_refusals(
    server: DiscordServer, alice: Person, room: Channel, case: str, status: int, code: int
) -> None:
    """What Discord refuses is refused with its status and its code."""
    room.denied = {"hidden": {"VIEW_CHANNEL"}, "read only": {"SEND_MESSAGES"}}.get(case, set())
    alice.takes_messages = case != "no messages"
    async with running(server) as bot:
        place = bot.get_partial_messageable(99) if case == "no channel" else bot.room()
        if case == "no messages":
            place = await bot.create_dm(discord.Object(42))  # type: ignore[assignment]  # another kind of channel
        text = {"empty": " ", "long": "x" * 2001}.get(case, "hello")
        with pytest.raises(discord.HTTPException) as refused:
            await (place.fetch_message(5) if case == "no message" else place.send(text))
        assert (refused.value.status, refused.value.code) == (status, code)


async def test_disallowed_intents_end_the_client(server: DiscordServer) -> None:
    """A privileged intent that the application lacks closes with 4014, which is final."""
    server.world.disallowed_intents = discord.Intents.message_content.flag
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(server):
            pass


async def test_unanswered_heartbeats_are_noticed(server: DiscordServer, room: Channel) -> None:
    """A client whose heartbeats are not acknowledged reconnects and resumes."""
    server.gateway.heartbeat_interval, server.gateway.acks = 0.02, False
    bot = Bot()
    bot._connection.heartbeat_timeout = 0.1
    async with running(server, bot) as bot:
        await server.wait_for(lambda: server.gateway.resumes)


async def test_refused_gateway_is_tried_again(
    server: DiscordServer, room: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the gateway's port is closed a client that was connected goes on trying."""
    monkeypatch.setattr(ExponentialBackoff, "delay", lambda _: 0.01)
    async with running(server) as bot:
        await server.gateway_port.refuse()
        await server.gateway.disconnect(4000)
        await bot.until("disconnect", 3)
        await server.gateway_port.open()
        await bot.until("RESUMED")


async def test_changes_are_told(server: DiscordServer, alice: Person, room: Channel) -> None:
    """An edit, a link unfurled, a deletion and a duplicate are told as Discord tells them."""
    async with running(server) as bot:
        said = await server.say(alice, room, "https://example.com/")
        await server.unfurl(said)
        await server.edit(said, "changed")
        await server.repeat(said)
        await server.delete(said)
        await bot.until("MESSAGE_DELETE")
        told = [event for event in bot.events if event.startswith("MESSAGE")]
        assert [event.removeprefix("MESSAGE_") for event in told] == [
            "CREATE",
            "UPDATE",
            "UPDATE",
            "CREATE",
            "DELETE",
        ]


async def test_threads_are_places(server: DiscordServer, alice: Person, room: Channel) -> None:
    """A thread knows its channel; a forum's post is a thread whose first message has its id."""
    assert room.guild
    forum = server.forum(room.guild, "help")
    async with running(server) as bot:
        await server.say(alice, server.thread(room, alice, "aside"), "in a thread")
        post, _ = await server.forum_post(forum, alice, "Why?", "in a forum")
        await bot.until("MESSAGE_CREATE", 2)
        places = [message.channel for message in bot.heard]
        assert all(isinstance(place, discord.Thread) for place in places)
        parents = [getattr(place, "parent_id", None) for place in places]
        assert parents == [11, int(forum.id)]
        assert bot.heard[1].id == places[1].id == int(post.id)


async def test_members_are_told(server: DiscordServer, alice: Person, room: Channel) -> None:
    """With the intent for it the client gets all members, and who joins and leaves."""
    assert room.guild
    bob = server.person(43, "Bob")
    room.guild.members[bob.id] = bob
    async with running(server, Bot(discord.Intents(guilds=True, members=True))) as bot:
        assert bot.guilds[0].get_member(43)
        await server.join(room.guild, alice)
        await server.leave(room.guild, alice)
        await bot.until("GUILD_MEMBER_REMOVE")
        assert bot.events.count("GUILD_MEMBER_ADD") == 1


@pytest.mark.parametrize(("op", "expected"), [(7, "RESUMED"), (9, "READY")])
async def test_server_ends_connections(
    server: DiscordServer, room: Channel, op: int, expected: str
) -> None:
    """Asked to reconnect, the client resumes; with an invalid session it identifies."""
    async with running(server) as bot:
        if op == 7:
            server.gateway.ask_to_reconnect()
        else:
            server.gateway.invalidate()
        await bot.until(expected, 1 if op == 7 else 2)


async def test_unreadable_frame_ends_the_client(server: DiscordServer, room: Channel) -> None:
    """A frame that is no JSON ends the client's start, whatever it would reconnect after."""
    with pytest.raises(json.JSONDecodeError):
        async with running(server) as bot:
            server.gateway.send_raw("{")
            await bot.task


async def test_broken_request_is_noted(server: DiscordServer, room: Channel) -> None:
    """A request that Discord's document forbids is refused and remembered."""
    async with running(server) as bot:
        with pytest.raises(discord.HTTPException, match="50035"):
            await bot.http.request(
                Route("POST", "/channels/{channel_id}/messages", channel_id=11),
                json={"content": "x", "nonce": "n" * 26},
            )
    assert len(server.violations) == 1
    server.violations.clear()


PONG = """
import sys, discord, yarl
discord.http.Route.BASE = sys.argv[1]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(sys.argv[2])
client = discord.Client(intents=discord.Intents(messages=True, message_content=True))

@client.event
async def on_message(message):
    if message.content == "ping":
        await message.channel.send("pong")

client.run(sys.argv[3], log_handler=None)
"""


async def test_another_process_can_be_the_bot(
    server: DiscordServer, alice: Person, room: Channel
) -> None:
    """A bot in a process of its own is reached, and its end by SIGKILL is noticed."""
    arguments = ["-c", PONG, server.api_url, server.gateway_url, server.token]
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "ignore", *arguments)
    try:
        await server.wait_until_connected()
        await server.say(alice, room, "ping")
        (answer,) = await server.wait_for(lambda: server.messages(room))
        assert answer.content == "pong"
    finally:
        process.kill()
        await process.wait()
    await server.wait_for(lambda: not server.gateway.connected)
