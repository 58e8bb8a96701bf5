"""What no mark tells of, looked at when all is done: menus, pins, formats, answered queries."""

from adapters.discord_driver import GUILD, DiscordDriver
from adapters.telegram_driver import TelegramDriver
from showcase.stages import ALICE, IN_HALL, OnDiscord, OnTelegram, Stage


def check_platform(stage: Stage) -> None:
    """Assert what is true of the platform in the end, whatever was killed when."""
    if isinstance(stage, OnTelegram):
        check_telegram(stage.driver)
        check_menus(stage.driver)
    elif isinstance(stage, OnDiscord):
        check_discord(stage.driver)


def check_telegram(driver: TelegramDriver) -> None:
    """All queries are answered, what was said is pinned, what was formatted came back so."""
    server, (_, chat, _), (_, hall, _) = driver.server, driver._place(ALICE), driver._place(IN_HALL)
    sent = server.messages(chat)
    assert not server.open_queries
    assert server.pinned[chat.id].text.startswith("pin ")
    assert any("rich_message" in message.raw for message in sent)
    echo = next(message for message in sent if message.text == "under over 🎉")
    assert [entity["type"] for entity in echo.entities] == ["underline", "spoiler", "custom_emoji"]
    stickers = [message for message in hall.messages.values() if "sticker" in message.raw]
    assert len({message.raw["sticker"]["file_id"] for message in stickers}) == 1 < len(stickers)


def check_menus(driver: TelegramDriver) -> None:
    """Each scope lists what can be used there, in both languages, and nothing that is hidden."""
    menus = {
        place: {entry["command"]: entry["description"] for entry in entries}
        for place, entries in driver.server.command_lists.items()
    }
    scopes = ("default", "all_group_chats", "all_chat_administrators")
    assert menus.keys() == {f"{scope}/{code}" for scope in scopes for code in ("", "de")}
    greetings = [menus[f"default/{code}"]["hello"] for code in ("", "de")]
    assert greetings == ["Greet whoever asks.", "Grüßt, wer fragt."]
    assert [scope for scope in scopes if "buy" in menus[f"{scope}/"]] == ["default"]
    assert [scope for scope in scopes if "close" in menus[f"{scope}/"]] == [scopes[-1]]
    assert not any("away" in menu for menu in menus.values())


def check_discord(driver: DiscordDriver) -> None:
    """Commands are the guild's no more, what was said is pinned, and came back as formatted."""
    server = driver.server
    sent = server.messages(driver._channel(ALICE))
    assert server.world.commands[str(GUILD)] == []
    assert all(message.content.startswith("pin ") for message in sent if message.pinned)
    assert any(message.pinned for message in sent)
    assert any(message.content == "__under__ ||over|| <:party:123>" for message in sent)
    assert any(message.stickers for message in server.messages(driver._channel(IN_HALL)))
