"""What the Telegram adapter receives by polling: nothing is lost, whatever is in the way."""

import asyncio
import contextlib
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import pytest
from adapters.odd import changes
from adapters.telegram_host import FakeHost, adapter_on, received
from servers.telegram_server import TelegramServer

from adapters import telegram_payloads
from chatstate import (
    AdapterError,
    Attachment,
    Command,
    Event,
    MessageRef,
    Reaction,
    StorageError,
    Unreachable,
)
from chatstate_telegram import TelegramAdapter
from chatstate_telegram.client import Client
from chatstate_telegram.receive.downloads import _fetched
from chatstate_telegram.receive.intake import Intake
from chatstate_telegram.receive.polling import Polling
from chatstate_telegram.receive.trouble import Trouble
from chatstate_telegram.receive.wire import Me

ALLOWED = ["message", "edited_message", "channel_post", "edited_channel_post", "callback_query"]
ALLOWED.append("stopped_message_generation")


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as telegram:
        yield telegram
    assert telegram.violations == []


def says(caplog: pytest.LogCaptureFixture, text: str) -> int:
    """Return how often something was told."""
    return sum(text in record.getMessage() for record in caplog.records)


async def told(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Return when something was told."""
    async with asyncio.timeout(10):
        while not says(caplog, text):
            await asyncio.sleep(0.01)


async def test_an_update_is_confirmed_once_it_is_durable(server: TelegramServer) -> None:
    """By the offset of the next poll."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    host.accepts.clear()
    async with received(adapter_on(server), host):
        server.say(alice, server.private_chat(alice), "hi")
        await server.wait_for(lambda: server.called("getUpdates"))
        assert server.updates.pending
        host.accepts.set()
        await server.wait_for(lambda: not server.updates.pending)
        assert host.texts == ["hi"]


async def test_only_what_is_read_is_asked_for(server: TelegramServer) -> None:
    """Messages, posts, their edits, and presses."""
    async with received(adapter_on(server), FakeHost()):
        await server.wait_for(lambda: server.called("getUpdates"))
        assert server.called("getUpdates")[0]["allowed_updates"] == ALLOWED


async def test_what_a_bot_handles_by_name_is_asked_for_too(server: TelegramServer) -> None:
    """What comes within messages needs no asking."""
    host = FakeHost(updates=["poll_answer", "chat_member", "successful_payment"])
    alice = server.person(1001, "Alice")
    group = server.group(-5, "Friends")
    async with received(adapter_on(server), host):
        await server.wait_for(lambda: server.called("getUpdates"))
        asked = server.called("getUpdates")[0]["allowed_updates"]
        assert asked == [*ALLOWED, "poll_answer", "chat_member"]
        server.join(alice, group)
        await host.until(lambda: len(host.events) == 2)
    told = [(event.message.kind, event.message.update) for event in host.events]
    assert told == [("other", "telegram:chat_member"), ("join", "")]


async def test_reactions_are_asked_for_if_a_handler_wants_them(server: TelegramServer) -> None:
    """Telegram tells of them only then; those of anonymous admins are nobody's."""
    host = FakeHost(kinds=["reaction"])
    alice = server.person(1001, "Alice")
    group = server.group(-5, "Friends", alice)
    async with received(adapter_on(server), host):
        await server.wait_for(lambda: server.called("getUpdates"))
        assert server.called("getUpdates")[0]["allowed_updates"] == [*ALLOWED, "message_reaction"]
        said = server.post(group, server.bot, {"text": "hi"})
        server.react(alice, said, "👍")
        server.react(alice, said, "🔥", anonymously=True)
        await host.until(lambda: len(host.events) == 2)
    told = [(event.message.sender.id, event.message.reaction) for event in host.events]
    target = MessageRef(str(said.id))
    assert told == [
        ("1001", Reaction(("👍",), (), target)),
        ("", Reaction(("🔥",), ("👍",), target)),
    ]


async def test_a_payment_is_to_be_answered_in_time(server: TelegramServer) -> None:
    """Telegram gives it ten seconds. What is asked inline is answered at once, or never."""
    host = FakeHost(updates=["pre_checkout_query", "inline_query"])
    alice = server.person(1001, "Alice")
    async with received(adapter_on(server), host):
        await server.wait_for(lambda: server.called("getUpdates"))
        server.ask_inline(alice, "tea")
        server.check_out(alice, "tea")
        server.say(alice, server.private_chat(alice), "hi")
        await host.until(lambda: len(host.events) == 2)
        assert [event.message.text for event in host.asked] == ["tea"]
    payment, message = host.events
    assert payment.best_before
    assert 0 < payment.best_before - time.time() <= 10
    assert message.best_before is None


async def test_it_goes_on_where_an_earlier_process_stopped(server: TelegramServer) -> None:
    """Nothing that is stored is asked for again."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    async with received(adapter_on(server), host):
        server.say(alice, server.private_chat(alice), "hi")
        await host.until(lambda: host.texts)
    polls = len(server.called("getUpdates"))
    async with received(adapter_on(server), FakeHost(host.cursor)):
        await server.wait_for(lambda: len(server.called("getUpdates")) > polls)
    offset = server.updates.all[0]["update_id"] + 1
    assert server.called("getUpdates")[polls]["offset"] == offset


@pytest.mark.parametrize("age", [None, 86_401])
async def test_an_offset_from_long_ago_is_not_used(server: TelegramServer, age: int | None) -> None:
    """Telegram may count anew by then: it would confirm what was never read."""
    old = json.dumps({"offset": 10**9, "at": time.time() - age}) if age else None
    async with received(adapter_on(server), FakeHost(old)):
        await server.wait_for(lambda: server.called("getUpdates"))
        assert "offset" not in server.called("getUpdates")[0]


HERE = {"id": 1001, "type": "private", "first_name": "Alice"}
THERE = {"id": 1001, "is_bot": False, "first_name": "Alice"}
ODD: dict[str, Any] = {
    "no chat": {"chat": "nowhere"},
    "a date that no clock has": {"date": 10**18},
    "a list for a chat's id": {"chat": {"id": [1], "type": "private"}},
    "a list for a name": {"from": {**THERE, "username": "alice", "first_name": ["Alice"]}},
    "a number for a language": {"from": {**THERE, "language_code": 5}},
    "nothing at all": None,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_update_that_cannot_be_read_stops_no_other(
    server: TelegramServer, odd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is confirmed too, and told once with what it was."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    usual = {"message_id": 5, "date": 1, "chat": HERE, "from": THERE, "text": "hi"}
    server.say(alice, server.private_chat(alice), "before")
    update = server.push_raw({"message": odd and {**usual, **odd}})
    server.say(alice, server.private_chat(alice), "after")
    async with received(adapter_on(server), host):
        await host.until(lambda: host.texts == ["before", "after"])
        await server.wait_for(lambda: not server.updates.pending)
    assert says(caplog, "cannot be read") == 1
    assert says(caplog, f'"update_id": {update["update_id"]}') == 1


async def test_what_can_be_read_of_an_update_is_told(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Who did it, where and when: the rest is in its payload."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    server.tell(alice, server.private_chat(alice), {"text": "hi", "entities": [5]})
    async with received(adapter_on(server), host):
        await host.until(lambda: host.events)
    (event,) = host.events
    message = event.message
    assert (message.kind, message.text, message.sender.name) == ("other", "", "Alice")
    assert (message.raw or {})["text"] == "hi"
    assert (
        says(caplog, "cannot be read (TypeError: 'int' object is not subscriptable) and is \"oth")
        == 1
    )


async def test_an_answer_that_is_nested_too_deeply_stops_no_update(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The update in which it is so is left out and confirmed, and the others are handled."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    server.say(alice, chat, "too deep")
    number = server.updates.all[-1]["update_id"]
    body = f'{{"ok": true, "result": [{{"update_id": {number}, "x": {"[" * 5000}{"]" * 5000}}}]}}'
    server.fail("getUpdates", 200, body=body, times=2)
    server.say(alice, chat, "after")
    host = FakeHost()
    async with received(adapter_on(server), host):
        await host.until(lambda: host.texts == ["after"])
        await server.wait_for(lambda: not server.updates.pending)
    assert says(caplog, "cannot be read") == 1


async def test_no_field_of_an_update_can_stop_the_bot() -> None:
    """Whatever stands in it: the next update is taken in, and what is delivered can be read."""
    host = FakeHost()
    intake = Intake(host, Me(42, "test_bot", "all"), *[lambda *_: None] * 3)
    running = asyncio.create_task(intake.run())
    messages = [telegram_payloads.update(raw) for raw, _ in telegram_payloads.MESSAGES.values()]
    for usual in [*messages, *(raw for raw, _ in telegram_payloads.UPDATES.values())]:
        await intake.take(list(changes(usual)))
    after = telegram_payloads.said(HERE, text="after")
    await intake.take([{"update_id": 8, "message": after}])
    await host.until(lambda: "after" in host.texts)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    read = msgspec.json.decode(msgspec.json.encode(host.events), type=list[Event])
    assert read == host.events


async def test_each_kind_of_message_without_words_is_told_once(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """For who wonders why the bot says nothing to it."""
    caplog.set_level(logging.DEBUG, "chatstate.telegram")
    alice = server.person(1001, "Alice")
    host = FakeHost()
    async with received(adapter_on(server), host):
        contents: list[dict[str, Any]] = [
            {"story": {}},
            {"story": {}},
            {"hologram": {}, "depth": 3},
        ]
        for content in contents:
            server.tell(alice, server.private_chat(alice), content)
        await host.until(lambda: len(host.events) == 3)
    assert says(caplog, 'is "other": story') == 1
    assert says(caplog, 'is "other": depth, hologram') == 1


async def test_a_token_that_is_refused_ends_it(server: TelegramServer) -> None:
    """With one line that says what to do, and does not show the token."""
    adapter = TelegramAdapter(token="123456789:wrong", api=server.base_url)
    with pytest.raises(AdapterError) as refused:
        await adapter.run(FakeHost())
    assert "401" in str(refused.value)
    assert "@BotFather" in str(refused.value)
    assert "wrong" not in str(refused.value)


async def test_a_token_that_was_good_is_not_given_up_at_once(server: TelegramServer) -> None:
    """One refusal may be a malfunction; several are meant."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    async with received(adapter_on(server), host) as running:
        await server.wait_for(lambda: server.updates.is_polled)
        server.fail("getUpdates", 401, "Unauthorized")
        server.say(alice, server.private_chat(alice), "hi")
        await host.until(lambda: host.texts == ["hi"])
        server.fail("getUpdates", 401, "Unauthorized", times=5)
        server.break_polling()
        with pytest.raises(AdapterError):
            await running


async def test_a_second_poller_is_told_once(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """With what to do, also whoever watches the bot's health; and this one goes on."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    server.fail("getUpdates", 409, "Conflict: terminated by other getUpdates request", times=3)
    async with received(adapter_on(server), host):
        server.say(alice, server.private_chat(alice), "hi")
        await host.until(lambda: host.texts == ["hi"])
    assert says(caplog, "another process polls with this bot's token") == 1
    assert says(caplog, "receiving again") == 1
    (lost,) = host.lost_by
    assert "another process polls" in lost
    assert len(host.names) == 2  # it is connected, and connected again


async def test_an_outage_is_told_once(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """And what was said meanwhile arrives afterwards."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    async with received(adapter_on(server), host):
        await server.wait_for(lambda: server.updates.is_polled)
        await server.stop()
        server.say(alice, server.private_chat(alice), "hi")
        while not says(caplog, "cannot be reached"):
            await asyncio.sleep(0.01)
        await server.start()
        await host.until(lambda: host.texts == ["hi"])
    assert says(caplog, "cannot be reached") == 1


async def test_a_webhook_is_taken_away_and_nothing_with_it(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What waited for it is received by polling."""
    alice = server.person(1001, "Alice")
    server.updates.webhook = {"url": "http://127.0.0.1:9/old"}
    server.say(alice, server.private_chat(alice), "hi")
    host = FakeHost()
    async with received(adapter_on(server), host):
        await host.until(lambda: host.texts == ["hi"])
    assert server.called("deleteWebhook") == [{"drop_pending_updates": False}]
    assert says(caplog, "http://127.0.0.1:9/old") == 1


async def test_a_webhook_that_is_not_there_is_left_alone(server: TelegramServer) -> None:
    """Nothing is deleted at a usual start."""
    async with received(adapter_on(server), FakeHost()):
        await server.wait_for(lambda: server.called("getUpdates"))
    assert server.called("deleteWebhook") == []


async def test_a_poll_that_does_not_end_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """And another one is made, over a new connection."""

    class Stuck:
        polls = renewed = 0

        class bot:  # noqa: N801 - what it stands for is an attribute
            @staticmethod
            async def get_webhook_info() -> Any:
                return type("Info", (), {"url": ""})

        async def updates(self, *_: Any) -> list[Any]:
            self.polls += 1
            if self.polls == 1:
                await asyncio.Event().wait()
            return [{"update_id": 5}]

        async def renew_polls(self) -> None:
            self.renewed += 1

    stuck, taken = Stuck(), asyncio.Event()

    async def take(_: list[Any], __: int | None) -> None:
        taken.set()
        await asyncio.sleep(0)

    polling = Polling(
        cast("Client", stuck),
        take,
        trouble=Trouble(print),
        kinds=(),
        seconds=0,
        slack=0.0,
        watchdog=0.02,
    )
    running = asyncio.create_task(polling.run())
    await asyncio.wait_for(taken.wait(), 5)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert stuck.renewed == 1
    assert says(caplog, "a poll did not end") == 1


async def test_certificates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by each client or download, nor when connections are made anew: the loop would wait."""
    first, read = Client("1:a"), list[str]()
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: read.append("x"))
    second = Client("2:b")
    await second.renew_polls()
    with pytest.raises(Unreachable):
        await anext(_fetched("http://127.0.0.1:1/", Attachment("a", "a", "text/plain")))
    await first.close()
    await second.close()
    assert read == []


async def test_a_store_that_is_broken_ends_it_as_it_is(server: TelegramServer) -> None:
    """And nothing is confirmed."""
    alice = server.person(1001, "Alice")
    server.say(alice, server.private_chat(alice), "hi")
    host = FakeHost()
    host.failure = StorageError("the disk is gone")
    with pytest.raises(StorageError, match="the disk is gone"):
        await adapter_on(server).run(host)
    assert server.updates.pending


async def test_a_group_that_becomes_a_supergroup_stays_itself(server: TelegramServer) -> None:
    """The move is told before what is said under the new id."""
    alice = server.person(1001, "Alice")
    group = server.group(-7, "Friends", alice)
    host = FakeHost()
    async with received(adapter_on(server, groups="all"), host):
        server.say(alice, group, "before")
        new = server.migrate(group, -1007)
        server.say(alice, new, "after")
        await host.until(lambda: host.texts == ["before", "after"])
    assert set(host.moves) == {("-7", "-1007")}


async def test_group_talk_is_confirmed_and_left_alone(server: TelegramServer) -> None:
    """Only what is said to the bot is delivered."""
    alice = server.person(1001, "Alice")
    group = server.group(-7, "Friends", alice)
    host = FakeHost()
    async with received(adapter_on(server), host):
        server.say(alice, group, "not for the bot")
        server.say(alice, group, "/other@other_bot")
        server.say(alice, group, "@test_bot hello")
        await host.until(lambda: host.events)
        await server.wait_for(lambda: not server.updates.pending)
    assert host.texts == ["hello"]


async def test_people_who_spoke_can_be_mentioned(server: TelegramServer) -> None:
    """By the username that Telegram gives without telling whose it is."""
    alice, bob = server.person(1001, "Alice"), server.person(1002, "Bob", "bob_b")
    group = server.group(-7, "Friends", alice, bob)
    host = FakeHost()
    async with received(adapter_on(server), host):
        server.say(bob, group, "hi all")
        server.say(alice, group, "/give @bob_b 5")
        await host.until(lambda: host.events)
    assert [person.id for person in host.events[0].message.mentions] == ["1002"]


COMMANDS = [Command("vote", "Vote for an option.", "/vote CHOICE"), Command("help", "Show this.")]


async def test_commands_are_published(server: TelegramServer) -> None:
    """With their descriptions."""
    async with received(adapter_on(server), FakeHost(commands=COMMANDS)):
        await server.wait_for(lambda: server.commands)
    assert server.commands == [("vote", "Vote for an option."), ("help", "Show this.")]


async def test_commands_are_published_when_they_have_changed(server: TelegramServer) -> None:
    """Not at each start."""
    for commands in (COMMANDS, COMMANDS, COMMANDS[1:]):
        looked = len(server.called("getMyCommands"))
        async with received(adapter_on(server), FakeHost(commands=commands)):
            await server.wait_for(lambda: len(server.called("getMyCommands")) > looked)  # noqa: B023 - waited for here
            if commands is not COMMANDS or looked == 0:
                wanted = [command.name for command in commands]
                await server.wait_for(lambda: [n for n, _ in server.commands] == wanted)  # noqa: B023 - waited for here
    assert len(server.called("setMyCommands")) == 2


async def test_names_that_telegram_has_none_of_are_left_out(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told, and the others are published; a description is never empty."""
    odd = [Command("größe", "Size."), Command("Vote", "")]
    async with received(adapter_on(server), FakeHost(commands=odd)):
        await server.wait_for(lambda: server.commands)
    assert server.commands == [("vote", "/vote")]
    assert says(caplog, "größe") == 1


@pytest.mark.parametrize("method", ["getMyCommands", "setMyCommands"])
@pytest.mark.parametrize(
    ("status", "body"),
    [(401, None), (404, None), (400, None), (200, '{"ok": true, "result": [{}]}'), (200, "[]")],
)
async def test_a_menu_that_cannot_be_published_stops_nothing(
    server: TelegramServer,
    method: str,
    status: int,
    body: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is a courtesy: whatever is answered is told at most, and the bot goes on."""
    alice = server.person(1001, "Alice")
    server.fail(method, status, body=body, times=2)
    host = FakeHost(commands=COMMANDS)
    async with received(adapter_on(server), host):
        await server.wait_for(lambda: server.called(method))
        server.say(alice, server.private_chat(alice), "hi")
        await host.until(lambda: host.texts == ["hi"])
        if status != 200:
            await told(caplog, "the menu of commands could not be published")


async def test_a_server_that_tells_nothing_of_webhooks_is_polled(server: TelegramServer) -> None:
    """One that has none forbids no polling."""
    alice = server.person(1001, "Alice")
    server.fail("getWebhookInfo", 404, "Not Found: method not found")
    host = FakeHost()
    async with received(adapter_on(server), host):
        server.say(alice, server.private_chat(alice), "hi")
        await host.until(lambda: host.texts == ["hi"])


ODD_ANSWERS = ["<html>", "[]", '{"ok": true, "result": [{}]}', '{"ok": true, "result": {}}']


@pytest.mark.parametrize("body", ODD_ANSWERS)
@pytest.mark.parametrize("method", ["getMe", "getWebhookInfo", "getUpdates"])
async def test_an_answer_that_is_not_as_documented_is_asked_for_again(
    server: TelegramServer, method: str, body: str
) -> None:
    """It may be a proxy's: whatever it is, it ends nothing."""
    alice = server.person(1001, "Alice")
    server.fail(method, 200, body=body, times=2)
    server.say(alice, server.private_chat(alice), "hi")
    host = FakeHost()
    async with received(adapter_on(server), host):
        await host.until(lambda: host.texts == ["hi"])


async def test_a_press_is_answered_though_its_turn_is_slow(server: TelegramServer) -> None:
    """Plainly, after a moment, so that nobody is left waiting."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "v1"}]]}
    asked = server.post(chat, server.bot, {"text": "?", "reply_markup": keyboard})
    host = FakeHost()
    async with received(adapter_on(server, patience=0.05), host):
        press = server.press(alice, asked, "Yes")
        await server.wait_for(lambda: server.answer_to(press) is not None)
        assert server.answer_to(press) == ""
        assert not host.turns[0].done.is_set()


async def test_a_press_whose_turn_ends_soon_is_answered_then(server: TelegramServer) -> None:
    """By whatever answers it, or plainly at its end."""
    alice = server.person(1001, "Alice")
    chat = server.private_chat(alice)
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "v1"}]]}
    asked = server.post(chat, server.bot, {"text": "?", "reply_markup": keyboard})
    host = FakeHost()
    async with received(adapter_on(server, patience=60.0), host):
        press = server.press(alice, asked, "Yes")
        await host.until(lambda: host.turns)
        assert server.answer_to(press) is None
        host.turns[0].done.set()
        await server.wait_for(lambda: server.answer_to(press) is not None)


@pytest.mark.parametrize("token", ["", "no token", "123456", "abc:def"])
def test_what_is_no_token_is_told(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line that says where to get one."""
    monkeypatch.setenv("CHATSTATE_TELEGRAM_TOKEN", token)
    with pytest.raises(AdapterError, match="BotFather") as refused:
        TelegramAdapter()
    assert "\n" not in str(refused.value)


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token and the address of another Bot API server; the account is the token's."""
    monkeypatch.setenv("CHATSTATE_TELEGRAM_TOKEN", "42:secret")
    monkeypatch.setenv("CHATSTATE_TELEGRAM_API", "http://127.0.0.1:9/bot")
    adapter = TelegramAdapter()
    assert adapter.account == "42"
    assert adapter._client.bot.base_url == "http://127.0.0.1:9/bot42:secret"
    assert adapter._client.file_url("a") == "http://127.0.0.1:9/file/bot42:secret/a"


def test_an_address_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the form that it must have."""
    monkeypatch.setenv("CHATSTATE_TELEGRAM_API", "http://127.0.0.1:9")
    with pytest.raises(AdapterError, match="must end with /bot"):
        TelegramAdapter(token="42:secret")


def test_an_unknown_way_to_hear_groups_is_told() -> None:
    """With those there are."""
    with pytest.raises(AdapterError, match="--groups takes one of addressed, all, not 'none'"):
        TelegramAdapter(token="42:secret", groups="none")
