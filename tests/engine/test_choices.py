"""Selects, suggestions and cards: what a handler gets of them, whatever a platform has."""

from typing import Any

import pytest
from msgspec.structs import replace
from support import query, texts

from chatstate import (
    Button,
    Card,
    Contact,
    File,
    Interface,
    Location,
    Markdown,
    Message,
    Option,
    Poll,
    Reply,
    Select,
    ShareContact,
    ShareLocation,
)
from chatstate.engine.outbox.marks import Mark, Marks
from chatstate.language.en import ENGLISH
from chatstate.testing import Delivered, FakePlatform, Person, TestClient
from chatstate.testing.platform import FULL

DEAD = ENGLISH["dead_button"]
LONG = "a value that no platform has room for " * 4


class Menu:
    """Offers a select to each message, and keeps what is chosen of it."""

    def __init__(self, select: Select, **reply: Any) -> None:
        self.reply = Reply("Which?", select=select, **reply)
        self.heard: list[tuple[str, tuple[str, ...] | None]] = []
        self.bot = Interface(id="menu")
        self.bot.on_message(self.answer)

    def answer(self, message: Message) -> Reply | str:
        if message.kind == "press":
            self.heard.append((message.text, message.selected))
            return f"chosen: {message.text}"
        return self.reply


def shown(client: TestClient, person: Person) -> Delivered:
    """Return the first message, as it is shown now."""
    return client.platform.shown(person.chat.id)[0]


SEVERAL = Select([Option("Red", "r"), Option("Blue", LONG), "Green"], min_values=1, max_values=2)


async def test_what_is_chosen_of_a_select_is_a_press() -> None:
    """Of one option: its value, whole, however long."""
    menu = Menu(Select([Option("Red", "r"), Option("Blue", LONG)]))
    async with TestClient(menu.bot) as client:
        alice = client.user("alice")
        await alice.say("hi")
        await alice.select("Red")
        await client.restart()
        await alice.select("Blue")
    assert menu.heard == [("r", ("r",)), (LONG, (LONG,))]


async def test_several_options_are_chosen_at_once() -> None:
    """In their order, each once; fewer or more are told, and reach no handler."""
    menu = Menu(SEVERAL)
    async with TestClient(menu.bot) as client:
        alice = client.user("alice")
        await alice.say("hi")
        await alice.select("Green", "Blue", "Green")
        for labels, told in (((), "at least 1"), (("Red", "Blue", "Green"), "at most 2")):
            (reply,) = await alice.select(*labels)
            assert (reply.text, reply.ephemeral) == (f"Choose {told}.", True)
    assert menu.heard == [(f"Green, {LONG}", ("Green", LONG))]


async def test_none_may_be_chosen_if_the_select_says_so() -> None:
    """Then there is nothing in it, which is not None."""
    menu = Menu(Select(["a", "b"], min_values=0))
    async with TestClient(menu.bot) as client:
        alice = client.user("alice")
        await alice.say("hi")
        await alice.select()
    assert menu.heard == [("", ())]


@pytest.mark.parametrize("which", ["frame", "option"])
async def test_a_choice_that_was_made_up_is_refused(which: str) -> None:
    """Neither the select nor an option can be, nor does a button stand for one."""
    menu = Menu(Select(["a", "b"]), buttons=[Button("A")])
    async with TestClient(menu.bot) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("hi")
        assert reply.select
        data, option = reply.select.data, reply.select.options[0].data
        made_up = (
            ("x" + data, (option,)) if which == "frame" else (data, (reply.buttons[0][0].data,))
        )
        press = alice._press(made_up[0], reply, made_up[1])
        assert [answer.text for answer in await client.deliver(press)] == [DEAD]
    assert menu.heard == []


async def test_without_selects_each_option_is_a_button() -> None:
    """What it sends is chosen, all the same."""
    menu = Menu(Select([Option("Red", "r"), Option("Blue", LONG, "cold")], "A colour?"))
    async with TestClient(menu.bot, platform=FakePlatform.without("select")) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("hi")
        assert reply.text == "Which?\n\nA colour?\nBlue: cold"
        await client.restart()
        await alice.press("Red")
        await alice.press("Blue")
    assert menu.heard == [("r", ("r",)), (LONG, (LONG,))]


async def test_without_selects_options_of_several_are_marked() -> None:
    """By buttons that change, until one more is pressed. Nothing else of the message changes."""
    menu = Menu(SEVERAL, buttons=[Button("Help")], files=[File(b"x", "a.txt")])
    async with TestClient(menu.bot, platform=FakePlatform.without("select")) as client:
        alice = client.user("alice")
        await alice.say("hi")
        assert shown(client, alice).labels == ["Help", "Red", "Blue", "Green", "Done"]
        assert await alice.press("Done") != []
        await alice.press("Green")
        await client.restart()
        await alice.press("Blue")
        assert shown(client, alice).labels == ["Help", "Red", "✓ Blue", "✓ Green", "Done"]
        assert (shown(client, alice).text, len(shown(client, alice).files)) == ("Which?", 1)
        (reply,) = await alice.press("Red")
        assert reply.text == "Choose at most 2."
        await alice.press("✓ Blue")
        await alice.press("Red")
        assert menu.heard == []
        await alice.press("Done")
    assert menu.heard == [("r, Green", ("r", "Green"))]


async def test_whoever_marks_faster_than_it_is_shown_loses_nothing() -> None:
    """Presses on what was shown before count together, and each once: after a crash, too."""
    menu = Menu(SEVERAL)
    async with TestClient(menu.bot, platform=FakePlatform.without("select")) as client:
        alice = client.user("alice")
        (first,) = await alice.say("hi")
        for label in ("Red", "Green", "Green"):
            await alice.press(label, on=first)
            await client.crash()
            await client.start()
        assert shown(client, alice).labels == ["✓ Red", "Blue", "✓ Green", "Done"]
        await alice.press("Done", on=first)
    assert menu.heard == [("r, Green", ("r", "Green"))]


def test_what_another_process_has_marked_since_counts() -> None:
    """Each change counts one more: what a button carries may be newer than what is remembered."""
    here, there = Marks(), Marks()
    shown_first = Mark("ref", 0, 0b000, 0)
    here.press(shown_first, SEVERAL)
    shown_then = here.newest(shown_first)._replace(option=1)
    there.press(shown_then, SEVERAL)
    shown_last = there.newest(shown_then)._replace(option=0)
    assert here.press(shown_last, SEVERAL).marked == 0b010


async def test_a_select_that_has_no_room_as_buttons_is_typed() -> None:
    """Its buttons and the last of them would be more than a message has."""
    few = replace(FULL, select=False, row_width=2, max_rows=2)
    menu = Menu(SEVERAL, buttons=[Button("Help")])
    async with TestClient(menu.bot, platform=FakePlatform(capabilities=few)) as client:
        (reply,) = await client.user("alice").say("hi")
        assert reply.labels == ["Help"]
        assert ENGLISH["choose_some"] in reply.text


async def test_a_disabled_button_carries_nothing() -> None:
    """Whoever presses it all the same."""
    menu = Menu(Select(["a"]), buttons=[Button("Off", disabled=True)])
    async with TestClient(menu.bot) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("hi")
        with pytest.raises(LookupError):
            await alice.press("Off")
        answers = await alice.press_data(reply.buttons[0][0].data, on=reply)
        assert [answer.text for answer in answers] == [DEAD]
    assert menu.heard == []


async def test_options_are_marked_from_the_beginning_if_they_are_chosen() -> None:
    """Where at most one may be, to mark another takes its place; and none may be left."""
    options = [Option("Red", chosen=True), Option("Blue")]
    menu = Menu(Select(options, min_values=0))
    async with TestClient(menu.bot, platform=FakePlatform.without("select")) as client:
        alice = client.user("alice")
        await alice.say("hi")
        assert shown(client, alice).labels == ["✓ Red", "Blue", "Done"]
        await alice.press("Blue")
        assert shown(client, alice).labels == ["Red", "✓ Blue", "Done"]
        await alice.press("✓ Blue")
        await alice.press("Done")
    assert menu.heard == [("", ())]


async def test_marks_end_with_their_message_and_after_thirty_days() -> None:
    """Then a press is answered as on any dead button."""
    menu = Menu(SEVERAL)
    async with TestClient(menu.bot, platform=FakePlatform.without("select")) as client:
        alice = client.user("alice")
        (first,) = await alice.say("hi")
        (other,) = await alice.say("hi")
        assert [r.text for r in await alice.press_data(first.buttons[0][0].data, on=other)] == [
            DEAD
        ]
        client.platform.deleted.append(first.id)
        assert await alice.press("Red", on=first) == []
        assert query(client, "SELECT count(*) FROM dead_letters") == [(0,)]
        await client.advance(31 * 24 * 3600)
        assert [reply.text for reply in await alice.press("Red", on=other)] == [DEAD]


async def test_without_selects_and_changes_of_buttons_several_are_typed() -> None:
    """A list says how, and nothing is pressed."""
    menu = Menu(SEVERAL)
    for lacking in (("select", "edit_buttons"), ("select", "edit"), ("buttons",)):
        platform = FakePlatform.without(*lacking)
        async with TestClient(menu.bot, platform=platform) as client:
            (reply,) = await client.user("alice").say("hi")
            assert (reply.labels, reply.select) == ([], None)
            assert f"{ENGLISH['choose_some']}\n1. Red: r\n2. Blue: {LONG}\n3. Green" in reply.text


# Suggestions


def suggesting(*suggestions: Any) -> Interface:
    bot = Interface(id="quick")

    @bot.on_message
    def answer(message: Message) -> Reply:
        return Reply(f"{message.kind}: {message.text}", suggestions=suggestions)

    @bot.command
    def stop() -> str:
        return "stopped"

    return bot


async def test_to_tap_a_suggestion_is_to_send_it() -> None:
    """As a message of one's own; what is shared is one too."""
    async with TestClient(
        suggesting("Yes", "/stop", ShareContact(), ShareLocation("Here"))
    ) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("hi")
        labels = [suggestion.label for suggestion in reply.suggestions]
        assert labels == ["Yes", "/stop", ENGLISH["share_contact"], "Here"]
        assert [reply.text for reply in await alice.choose("Yes")] == ["message: Yes"]
        (shared,) = await alice.choose("Here", shared="52.5, 13.4")
        assert shared.text == "message: 52.5, 13.4"
        assert [reply.text for reply in await alice.choose("/stop")] == ["stopped"]
        with pytest.raises(LookupError, match="suggests 'No'"):
            await alice.choose("No")


async def test_what_is_shared_is_told_apart_from_words() -> None:
    """A place and a contact are there as such, and as the text."""
    bot = Interface(id="shared")

    @bot.on_message
    def answer(message: Message) -> Reply:
        told = repr(message.location or message.contact or message.poll)
        return Reply(f"{message.text}: {told}", suggestions=[ShareContact("Me"), ShareLocation()])

    place, contact = Location(52.5, 13.4, "Café"), Contact("+49301234", "Alice", "alice")
    poll = Poll("Lunch?", ("Pizza", "No"))
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("hi")
        (shared,) = await alice.choose("Me", shared=contact)
        assert shared.text == f"Alice +49301234: {contact!r}"
        (shared,) = await alice.choose(ENGLISH["share_location"], shared=place)
        assert shared.text == f"Café (52.5, 13.4): {place!r}"
        (shared,) = await alice.say(poll.words, poll=poll)
        assert shared.text == f"Lunch?\nPizza\nNo: {poll!r}"


async def test_without_suggestions_there_are_buttons() -> None:
    """A command runs; what only they can share is asked for in words."""
    platform = FakePlatform.without("suggestions", "shares")
    async with TestClient(suggesting("Yes", "/stop", ShareContact()), platform=platform) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("hi")
        assert reply.text == f"message: hi\n\n{ENGLISH['write_contact']}"
        assert (reply.labels, reply.suggestions) == (["Yes", "/stop"], ())
        assert [reply.text for reply in await alice.press("/stop")] == ["stopped"]
        (pressed,) = await alice.press("Yes")
        assert pressed.text.startswith("press: Yes")


async def test_nobody_is_asked_to_share_anything_in_a_group() -> None:
    """But in words; and in a channel suggestions are buttons."""
    async with TestClient(suggesting("Yes", ShareLocation())) as client:
        (reply,) = await client.user("alice", chat="room").say("hi")
        assert [suggestion.label for suggestion in reply.suggestions] == ["Yes"]
        assert ENGLISH["write_location"] in reply.text


async def test_in_a_channel_suggestions_are_buttons() -> None:
    """It has no keyboard in place of the usual one."""
    async with TestClient(suggesting("Yes")) as client:
        event = client.user("alice", chat="news").event("hi")
        channel = replace(event.message.chat, kind="channel")
        event = replace(event, message=replace(event.message, chat=channel))
        (reply,) = await client.deliver(event)
        assert (reply.labels, reply.suggestions) == (["Yes"], ())


# Cards

CARD = Card(
    title="Weather",
    text=Markdown("**Sunny**"),
    fields={"High": "21°", "Low": Markdown("*9°*")},
    image=File(b"png", "sky.png"),
    url="https://weather.example/",
    colour="#FFAA00",
    footer="as of noon",
)


async def test_a_card_is_a_reply() -> None:
    """Its Markdown is shown as such, its picture is a file."""
    bot = Interface(id="cards")
    bot.on_message(lambda: CARD)
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("hi")
        card = reply.card
        assert card
        assert (card.title, card.text.text, card.colour, card.footer) == (
            "Weather",
            "Sunny",
            0xFFAA00,
            "as of noon",
        )
        assert [(name, value.text) for name, value in card.fields] == [
            ("High", "21°"),
            ("Low", "9°"),
        ]
        assert [(file.name, file.data) for file in reply.files] == [("sky.png", b"png")]


async def test_without_cards_it_is_text_with_a_picture() -> None:
    """Below what else is said."""
    bot = Interface(id="cards")
    bot.on_message(lambda: Reply("Today:", card=CARD, files=[File(b"x", "a.txt")]))
    async with TestClient(bot, platform=FakePlatform.without("cards")) as client:
        (reply,) = await client.user("alice").say("hi")
        assert reply.text == ("Today:\n\nWeather\nSunny\n\nHigh: 21°\nLow: 9°\n\nas of noon")
        links = [span for span in reply.styled.spans if span.kind == "link"]
        assert [reply.text[link.start : link.end] for link in links] == ["Weather"]
        assert [file.name for file in reply.files] == ["sky.png", "a.txt"]


async def test_a_picture_elsewhere_is_an_address() -> None:
    """Where there are no cards to show it."""
    bot = Interface(id="cards")
    bot.on_message(lambda: Card(title="T", image="https://a.example/p.png"))
    async with TestClient(bot, platform=FakePlatform.without("cards")) as client:
        assert await texts(client.user("alice"), "hi") == ["T\n\nhttps://a.example/p.png"]
