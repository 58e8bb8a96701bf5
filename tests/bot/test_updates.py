"""`@bot.on`: which names of a platform's updates it takes, and what it says of others."""

import subprocess
import sys
from typing import Any

import pytest

from chatstate import Interface, Message
from chatstate.adapter import Updates, updates_of
from chatstate.errors import BindingError
from chatstate.testing import FakePlatform, TestClient


def ignore(message: Message) -> None:
    """Answer nothing."""


@pytest.mark.parametrize(
    "name",
    [
        "telegram:poll_answer",
        "telegram:message_reaction",
        "telegram:successful_payment",
        "discord:message_reaction_add",
        "discord:channel_pinned_message",
        "matrix:redaction",
    ],
)
def test_what_a_platform_tells_of_has_a_handler(name: str) -> None:
    """By its name there; those of a platform whose adapter is not installed are not known here."""
    bot = Interface(id="shop")
    assert bot.on(name)(ignore) is ignore
    assert bot.routes.updates == {name}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("telegram:message", "that comes to @bot.on_message"),
        ("telegram:edited_channel_post", "that comes to @bot.on_edit"),
        ("telegram:callback_query", "that comes to @bot.on_message"),
        ("telegram:new_chat_members", "that comes to @bot.on_join"),
        ("discord:message_create", "that comes to @bot.on_message"),
        ("discord:guild_member_remove", "that comes to @bot.on_leave"),
        ("discord:interaction_create", "that comes to @bot.command and @bot.on_message"),
        ("discord:application_command_autocomplete", "that comes to Complete(...), of an argument"),
        (
            "discord:modal_submit",
            "that never comes: no modal can be opened, since the adapter answers",
        ),
        ("discord:call", "that never comes: it is of groups that no bot can be in"),
        ("discord:guild_create", "that never comes: that is between Discord and the adapter"),
        ("telegram:channel_chat_created", "that never comes: no bot is there when it happens"),
        ("telegram:migrate_to_chat_id", "that never comes: a group that becomes another takes"),
        ("telegram:sticker", "that comes to @bot.on_message"),
        ("telegram:video_note", "that comes to @bot.on_message"),
        ("telegram:poll_anser", 'did you mean "telegram:poll_answer"?'),
        ("discord:mesage_create", 'did you mean "discord:message_create"?'),
        ("telegram:xyzzy", "telegram has no such update"),
        ("telegramm:poll", 'did you mean "telegram:..."?'),
        ("console:hologram", "console has no such update"),
        ("message", 'as it calls that: @bot.on("telegram:poll_answer")'),
        ("telegram:", "name the platform and what it tells of"),
        (ignore, "what people say comes to @bot.on_message"),
    ],
)
def test_any_other_name_is_refused_where_it_is_written(name: Any, why: str) -> None:
    """With the decorator that is right, or the name that may be meant."""
    with pytest.raises(BindingError) as error:
        Interface(id="shop").on(name)
    assert f"bot.on({name!r})" in str(error.value)
    assert why in str(error.value)


async def test_what_the_platform_does_not_know_is_refused_at_the_start() -> None:
    """If nobody knew before what it knows."""
    bot = Interface(id="shop")
    bot.on("test:polll")(ignore)
    platform = FakePlatform()
    platform.updates = Updates(frozenset({"poll"}))
    with pytest.raises(BindingError, match=r'polll.*did you mean "test:poll"'):
        async with TestClient(bot, platform=platform):
            pass


async def test_so_it_is_when_an_account_is_connected_later() -> None:
    """The bot goes on without it."""
    bot, platform = Interface(id="shop"), FakePlatform("later", "bot-2")
    bot.on("later:polll")(ignore)
    platform.updates = Updates(frozenset({"poll"}))
    async with TestClient(bot) as client:
        with pytest.raises(BindingError, match="polll"):
            await bot.connect(platform)
        assert await client.user("alice").does("test:poll") == []


async def test_names_of_other_platforms_do_not_matter_at_the_start() -> None:
    """A bot may run on some of its platforms alone."""
    bot = Interface(id="shop")
    bot.on("matrix:redaction")(ignore)
    async with TestClient(bot):
        pass


def test_a_name_has_one_handler() -> None:
    """In a bot, with all that it includes."""
    bot, router = Interface(id="shop"), Interface()
    bot.on("telegram:poll")(ignore)
    with pytest.raises(BindingError, match="gets each telegram:poll already"):
        bot.on("telegram:poll")(ignore)
    router.on("telegram:poll")(ignore)
    with pytest.raises(BindingError, match="'telegram:poll'"):
        bot.include(router)


def test_names_are_known_without_the_platforms_library() -> None:
    """A bot is made, and refused, as fast as any other."""
    code = (
        "import sys; from chatstate import Interface; "
        "Interface(id='a').on('telegram:poll'); Interface(id='b').on('discord:invite_create'); "
        "print(sorted({'telegram', 'discord'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize("platform", ["telegram", "discord"])
def test_a_table_says_what_is_quick_of_what_it_names(platform: str) -> None:
    """And nothing is both named and portable, or is named and never comes."""
    table = updates_of(platform)
    assert table
    assert table.quick <= table.named
    assert table.named.isdisjoint({*table.portable, *table.never})
    assert table.portable.keys().isdisjoint(table.never)
    assert updates_of("matrix") is None
