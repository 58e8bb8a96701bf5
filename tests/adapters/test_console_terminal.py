"""The console at a terminal: what somebody who sits there sees."""

import asyncio
import contextlib
import re
import stat
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import pytest_asyncio
from adapters.terminal import CTRL_C, ENTER, TAB, UP, Terminal

from chatstate import (
    AdapterError,
    Button,
    Card,
    Complete,
    Delete,
    File,
    Interface,
    Markdown,
    Message,
    Option,
    Reply,
    Select,
    Turn,
    User,
)
from chatstate.adapter import Action, Post, pip_line
from chatstate.engine import Engine
from chatstate.stores import open_store
from chatstate.text import Span, StyledText
from chatstate_console import ConsoleAdapter
from chatstate_console.receive.history import Kept, file_for

PROMPT = "user@console>"
Running = Callable[..., AbstractAsyncContextManager[ConsoleAdapter]]


@pytest_asyncio.fixture
async def terminal() -> AsyncIterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.fixture
def running(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Run a bot at the terminal: `answer` is what its handler of messages is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("NO_COLOR", raising=False)

    @contextlib.asynccontextmanager
    async def run(
        bot: Interface | Callable[..., Any], **options: Any
    ) -> AsyncGenerator[ConsoleAdapter]:
        if not isinstance(bot, Interface):
            answer, bot = bot, Interface(id="test")
            bot.on_message(answer)
        with terminal.open() as stdout:
            adapter = ConsoleAdapter(stdin=terminal.slave, stdout=stdout, **options)
            engine = Engine(bot, [adapter], open_store(f"sqlite:///{tmp_path / 'a.db'}"))
            await engine.start()
            waiting = asyncio.create_task(engine.wait())
            try:
                await terminal.until(lambda: terminal.typed.endswith("> "))
                yield adapter
            finally:
                engine.request_stop()
                engine.request_stop()
                await waiting
                await engine.stop()

    return run


async def echo(message: Message) -> str:
    return f"{message.sender.name} said {message.text}"


def always(answer: Any) -> Callable[[str], Any]:
    """Return a handler that gives the same answer to everything."""

    def handler(text: str) -> Any:
        return answer

    return handler


def gated(answer: Callable[[Any], Any]) -> tuple[asyncio.Event, Callable[..., Awaitable[Any]]]:
    """Return a handler that answers once the event is set."""
    gate = asyncio.Event()

    async def wait(message: Message) -> Any:
        await gate.wait()
        return answer(message)

    return gate, wait


# The welcome


async def test_one_is_told_where_one_is(
    terminal: Terminal, running: Running, tmp_path: Path
) -> None:
    """Which bot this is, what it can do, where its store is, and how to leave."""
    bot = commands()
    bot.title, bot.description = "Votes", "Votes and views"
    async with running(bot):
        first, second, *store, last, prompt = terminal.rows
        assert (first, second) == (
            "Votes: Votes and views",
            "/vote choice, /paint part colour, /view, /show weather city [days], /help",
        )
        assert "".join(store).replace(" ", "") == f"store{tmp_path / 'a.db'}"  # it may be long
        assert (last, prompt) == ("Ctrl-D leaves, :help says more.", PROMPT)


async def test_one_goes_on_where_one_was(
    terminal: Terminal, running: Running, tmp_path: Path
) -> None:
    """As the file of `--resume` tells; without it, or if it is spoilt, one begins anew."""
    kept = tmp_path / "kept"
    async with running(echo, resume=str(kept)):
        await terminal.enter(":as bob")
        await terminal.enter(":in #team")
        terminal.type("one -> ")
        await terminal.until(lambda: terminal.typed == "bob@#team> one -> ")
    async with running(echo, resume=str(kept)):
        await terminal.shows("[the bot runs again]", "bob@#team> one ->")
    kept.write_text("spoilt")
    async with running(echo, resume=str(kept)):
        await terminal.shows("Ctrl-D leaves, :help says more.", PROMPT)


# The prompt


async def test_the_prompt_shows_who_speaks_and_where(terminal: Terminal, running: Running) -> None:
    """Also after `:as` and `:in`."""
    async with running(echo, user="alice", chat="room"):
        await terminal.enter(":as bob")
        await terminal.until(lambda: terminal.typed == "bob@room> ")
        await terminal.enter(":in #team/plans")
        await terminal.until(lambda: terminal.typed == "bob@#team/plans> ")


async def test_a_reply_stands_below_what_was_said(terminal: Terminal, running: Running) -> None:
    """And above the prompt, which is empty again."""
    async with running(echo):
        await terminal.enter("hi")
        await terminal.shows(f"{PROMPT} hi", "» user said hi", PROMPT)


async def test_what_is_being_typed_stays_when_a_reply_comes(
    terminal: Terminal, running: Running
) -> None:
    """The reply appears above it, and typing goes on."""
    gate, wait = gated(lambda message: f"late: {message.text}")
    async with running(wait):
        await terminal.enter("one")
        terminal.type("half a li")
        await terminal.until(lambda: terminal.typed == f"{PROMPT} half a li")
        gate.set()
        await terminal.shows(f"{PROMPT} one", "» late: one", f"{PROMPT} half a li")
        terminal.type("ne" + ENTER)
        await terminal.shows(f"{PROMPT} half a line", "» late: half a line", PROMPT)


async def test_a_timer_fires_above_the_prompt(terminal: Terminal, running: Running) -> None:
    """When its time has come, though nobody says anything; what is being typed stays."""
    bot = Interface(id="test")

    @bot.on_timer
    def ring(what: str) -> str:
        return f"{what} is ready"

    @bot.command
    def tea(turn: Turn) -> str:
        turn.later(timedelta(0), ring, what="tea")
        return "Well."

    async with running(bot):
        await terminal.enter("/tea")
        terminal.type("half a li")
        rows = (f"{PROMPT} /tea", "» Well.", "» tea is ready", f"{PROMPT} half a li")
        await terminal.shows(*rows)


async def test_the_next_line_may_be_entered_while_a_turn_runs(
    terminal: Terminal, running: Running
) -> None:
    """Lines are delivered in their order."""
    gate, wait = gated(lambda message: f"late: {message.text}")
    async with running(wait):
        await terminal.enter("one")
        await terminal.enter("two")
        await terminal.shows(f"{PROMPT} one", f"{PROMPT} two")
        gate.set()
        await terminal.shows(f"{PROMPT} two", "» late: one", "» late: two", PROMPT)


async def test_an_empty_line_says_nothing(terminal: Terminal, running: Running) -> None:
    """Enter alone is pressed by accident."""
    async with running(echo):
        terminal.type(ENTER + "  " + ENTER + "hi" + ENTER)
        await terminal.shows("Ctrl-D leaves, :help says more.", f"{PROMPT} hi", "» user said hi")


async def test_arrow_up_brings_back_what_was_entered(terminal: Terminal, running: Running) -> None:
    """The newest first."""
    async with running(echo):
        await terminal.enter("one")
        await terminal.enter("two")
        await terminal.shows("» user said two", PROMPT)
        terminal.type(UP + UP)
        await terminal.until(lambda: terminal.typed == f"{PROMPT} one")


async def test_ctrl_c_clears_what_was_typed(terminal: Terminal, running: Running) -> None:
    """And nothing else happens."""
    async with running(echo):
        terminal.type("oh no")
        await terminal.until(lambda: terminal.typed == f"{PROMPT} oh no")
        terminal.type(CTRL_C)
        await terminal.until(lambda: terminal.typed == f"{PROMPT} ")
        await terminal.enter("yes")
        await terminal.shows(f"{PROMPT} yes", "» user said yes")


async def test_pasted_lines_are_one_message(terminal: Terminal, running: Running) -> None:
    """As they are in any chat."""
    async with running(echo):
        terminal.type("\x1b[200~one\ntwo\x1b[201~")
        await terminal.until(lambda: terminal.typed == "two")
        terminal.type(ENTER)
        await terminal.shows(f"{PROMPT} one", "two", "» user said one", "  two", PROMPT)


async def test_alt_enter_begins_a_new_line(terminal: Terminal, running: Running) -> None:
    """In the same message."""
    async with running(echo):
        terminal.type("one\x1b\rtwo")
        await terminal.until(lambda: terminal.typed == "two")
        terminal.type(ENTER)
        await terminal.shows("» user said one", "  two", PROMPT)


async def test_keys_that_are_no_text_harm_nothing(terminal: Terminal, running: Running) -> None:
    """Bytes that are no UTF-8 are shown as such by the bot, too."""
    async with running(echo):
        terminal.press(b"a\xff")
        await terminal.until(lambda: len(terminal.typed) > len(f"{PROMPT} a"))
        terminal.type(ENTER)
        await terminal.shows("» user said a\ufffd", PROMPT)


# What was entered in earlier runs


async def test_what_was_entered_is_there_in_the_next_run(
    terminal: Terminal, running: Running, tmp_path: Path
) -> None:
    """Lines and texts of several; nobody else may read them."""
    async with running(echo):
        await terminal.enter("one")
        terminal.type("\x1b[200~two\nthree\x1b[201~")
        await terminal.until(lambda: terminal.typed == "three")
        terminal.type(ENTER)
        await terminal.shows("» user said two", "  three", PROMPT)
    async with running(echo):
        terminal.type(UP)
        await terminal.until(lambda: terminal.typed == "three")
        terminal.type(UP + UP)
        await terminal.until(lambda: terminal.typed == f"{PROMPT} one")
    kept = tmp_path / "state" / "chatstate" / "history" / "test"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_nothing_is_kept_if_that_is_wanted(
    terminal: Terminal, running: Running, tmp_path: Path
) -> None:
    """`-` is nowhere."""
    async with running(echo, history="-"):
        await terminal.enter("secret")
        await terminal.shows("» user said secret", PROMPT)
    assert not (tmp_path / "state").exists()


async def test_that_nothing_can_be_kept_is_told_once(
    terminal: Terminal, running: Running, tmp_path: Path
) -> None:
    """And is no reason to fail; it is there for the run."""
    (tmp_path / "state").write_text("in the way")
    async with running(echo, history=str(tmp_path / "state" / "kept")):
        await terminal.enter("one")
        await terminal.enter("two")
        await terminal.shows("» user said two", PROMPT)
        terminal.type(UP + UP)
        await terminal.until(lambda: terminal.typed == f"{PROMPT} one")
    assert terminal.text.count("[what you enter is not kept") == 1


async def test_only_so_much_is_kept(tmp_path: Path) -> None:
    """The newest; what something else has written into the file is passed over."""
    kept = Kept(lambda _: None)
    kept.path = tmp_path / "deep" / "kept"
    for number in range(2500):
        kept.store_string(f"line {number}")
    with kept.path.open("ab") as file:
        file.write(b"no JSON\n7\n")
    loaded = list(kept.load_history_strings())
    assert (loaded[0], loaded[-1]) == ("line 2499", "line 1502")
    assert kept.path.read_bytes().count(b"\n") == 1000
    assert list(kept.load_history_strings()) == loaded
    assert [path.name for path in kept.path.parent.iterdir()] == ["kept"]


@pytest.mark.parametrize(
    ("bot", "given", "path"),
    [
        ("polls", "", "state/chatstate/history/polls"),
        ("../my bot", "", "state/chatstate/history/_my_bot"),
        ("..", "", "state/chatstate/history/bot"),
        ("polls", "mine", "mine"),
        ("polls", "-", None),
    ],
)
def test_each_bot_has_a_file_of_its_own(
    bot: str, given: str, path: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its id holds."""
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert file_for(bot, given) == (path and Path(path))


# Completion


def cities(typed: str, user: User) -> list[str]:
    return [name for name in ("Bonn", f"Bern of {user.name}") if name.startswith(typed)]


def commands() -> Interface:
    bot = Interface(id="test")

    @bot.command
    def vote(choice: int) -> str:
        """Vote for an option."""
        return f"voted {choice}"

    @bot.command
    def paint(part: str, colour: Literal["red", "green"]) -> str:
        """Paint something."""
        return f"{part} is {colour}"

    @bot.command
    def view() -> str:
        """See the votes."""
        return "none"

    @bot.group("show").command
    def weather(city: Annotated[str, Complete(cities)], days: int = 1) -> str:
        return f"{city} in {days}"

    @bot.on_message
    def ask(message: Message) -> Reply:
        return Reply("Well?", buttons=[Button("Yes"), Button("Yes, later"), Button("No")])

    return bot


async def test_commands_are_offered_with_their_descriptions(
    terminal: Terminal, running: Running
) -> None:
    """Those that begin as what was typed."""
    async with running(commands()):
        terminal.type("/v")
        await terminal.until(lambda: "/view         See the votes." in terminal.text)
        offered = terminal.text.partition(PROMPT)[2]
        assert "/vote choice  Vote for an option." in offered
        assert "/help" not in offered


async def test_tab_completes_a_command(terminal: Terminal, running: Running) -> None:
    """It can be entered then."""
    async with running(commands()):
        terminal.type("/vo")
        await terminal.until(lambda: "Vote for an option." in terminal.text)
        terminal.type(TAB)
        await terminal.until(lambda: terminal.typed == f"{PROMPT} /vote")
        terminal.type(" 2" + ENTER)
        await terminal.shows(f"{PROMPT} /vote 2", "» voted 2", PROMPT)


async def test_what_the_bot_offers_is_taken(terminal: Terminal, running: Running) -> None:
    """Of several words it is quoted, if more follows."""
    async with running(commands()):
        terminal.type("/show weather Be")
        await terminal.until(lambda: any(row.strip() == "Bern of user" for row in terminal.rows))
        terminal.type(TAB + " 2" + ENTER)
        asked = f'{PROMPT} /show weather "Bern of user" 2'
        await terminal.shows(asked, "» Bern of user in 2", PROMPT)


async def test_the_consoles_own_words_are_offered(terminal: Terminal, running: Running) -> None:
    """With what they do."""
    async with running(commands()):
        terminal.type(":le")
        await terminal.until(lambda: ":leave  leave the chat" in terminal.text)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (":as ", "bob"),
        (":in ", "console"),
        (":press Y", "Yes, later"),
        (":send a\\ ", "a b.txt"),
        ("/paint door g", "green"),
        ("/show ", "/show weather city [days]"),
        ("/show weather Be", "Bern of bob"),
    ],
)
async def test_arguments_are_offered(
    terminal: Terminal, running: Running, tmp_path: Path, typed: str, offered: str
) -> None:
    """Names and chats one has been, buttons, files, what a command takes."""
    (tmp_path / "a b.txt").write_text("")
    async with running(commands()):
        await terminal.enter(":as bob")
        await terminal.enter(":in room")
        await terminal.enter("ask")
        await terminal.shows("» Well?", "  [1] Yes  [2] Yes, later  [3] No  #1", "bob@room>")
        terminal.type(typed)
        await terminal.until(lambda: any(row.strip() == offered for row in terminal.rows))


# What the bot says


def styles(terminal: Terminal, text: str) -> set[str]:
    """Return how a text is shown, wherever it is."""
    (row,) = (row for row, shown in enumerate(terminal.screen.display) if text in shown)
    column = terminal.screen.display[row].index(text)
    char = terminal.screen.buffer[row][column]
    said = {name for name in ("bold", "italics", "strikethrough") if getattr(char, name)}
    return said if char.fg == "default" else {*said, "coloured"}


MARKDOWN = Markdown("some **bold** words\n\n```python\ndef f(): ...\n```")


async def test_markdown_is_shown_as_it_is_meant(terminal: Terminal, running: Running) -> None:
    """Bold is bold, and code has colours."""
    async with running(always(MARKDOWN)):
        await terminal.enter("go")
        await terminal.until(lambda: "def f(): ..." in terminal.text)
        assert styles(terminal, "bold") == {"bold"}
        assert "coloured" in styles(terminal, "def f()")


async def test_no_color_is_respected(
    terminal: Terminal, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has a colour then, the prompt neither; bold stays bold."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(always(MARKDOWN)):
        await terminal.enter("go")
        await terminal.until(lambda: "def f(): ..." in terminal.text)
        assert styles(terminal, "bold") == {"bold"}
        for row in range(terminal.screen.lines):
            for column in range(terminal.screen.columns):
                char = terminal.screen.buffer[row][column]
                assert (char.fg, char.bg) == ("default", "default")


async def test_plain_text_is_no_markup(terminal: Terminal, running: Running) -> None:
    """Neither Markdown nor what the libraries in between take for it."""
    text = "**a** `b` [bold]c[/bold] :smile: <b>d</b>"
    async with running(always(text)):
        await terminal.enter("go")
        await terminal.shows(f"» {text}", PROMPT)


async def test_a_line_longer_than_the_terminal_is_whole(
    terminal: Terminal, running: Running
) -> None:
    """It goes on in the next row, and is nowhere cut."""
    async with running(always("x" * 100 + "y")):
        await terminal.enter("go")
        await terminal.shows("» " + "x" * 78, "  " + "x" * 22 + "y", PROMPT)


EVIL = "a\x1b[31mred\x1b]52;c;eA==\x07\x9b31m\u202ez"
HARMLESS = "a␛[31mred␛]52;c;eA==␇\ufffd31m\ufffdz"


def is_harmless(terminal: Terminal) -> bool:
    """Tell whether none of `EVIL` has been written as it is, and some of it was made visible."""
    evil = ("\x1b[31m", "\x1b]52", "\x07", "\x9b", "\u202e")
    written = terminal.written.decode(errors="replace")
    return HARMLESS in terminal.text and not any(sequence in written for sequence in evil)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(EVIL),
        Reply(Markdown(f"**{EVIL}**")),
        Reply("?", buttons=[Button(EVIL)]),
        Reply("?", select=Select([Option(EVIL, description=EVIL)], EVIL)),
        Reply(card=Card(title=EVIL, text=EVIL, fields={EVIL: EVIL}, footer=EVIL)),
    ],
    ids=["text", "markdown", "button", "select", "card"],
)
async def test_escape_sequences_of_the_bot_are_only_shown(
    terminal: Terminal, running: Running, reply: Reply
) -> None:
    """Whatever a model writes, it does not control the terminal."""
    async with running(always(reply)):
        await terminal.enter("go")
        await terminal.until(lambda: is_harmless(terminal))


async def test_escape_sequences_in_names_are_only_shown(
    terminal: Terminal, running: Running
) -> None:
    """In the prompt, and in what was said at it."""
    async with running(echo, user=EVIL, chat=EVIL):
        terminal.type("hi" + ENTER)
        await terminal.shows(f"{HARMLESS}@{HARMLESS}> hi", f"» {HARMLESS} said hi")
        assert is_harmless(terminal)


async def test_escape_sequences_in_addresses_are_only_shown(
    terminal: Terminal, running: Running
) -> None:
    """A link is more than its label."""
    address = Span("link", 0, 4, "https://example.org/" + EVIL)
    async with running(echo) as adapter:
        part = adapter.render(Post(StyledText("link", (address,))))[0]
        await adapter.perform(Action("1", "console", part=part))
        await terminal.until(lambda: "link" in terminal.text)
        assert b"\x1b[31m" not in terminal.written


async def test_words_are_not_cut(terminal: Terminal, running: Running) -> None:
    """Of the bot, plain or not, and of whoever sits there: rows end between words."""
    text = " ".join(["commandeering"] * 12)
    row = " ".join(["commandeering"] * 5)

    def answer(message: Message) -> list[Any]:
        return [message.text, Markdown(f"**so** {message.text}")]

    async with running(answer):
        terminal.type(text + ENTER)
        await terminal.shows(
            f"{PROMPT} {' '.join(['commandeering'] * 4)}",
            row,
            " ".join(["commandeering"] * 3),
            f"» {row}",
            f"  {row}",
            "  commandeering commandeering",
            f"» so {row}",
            f"  {row}",
            "  commandeering commandeering",
            PROMPT,
        )


async def test_nothing_answered_is_seen(terminal: Terminal, running: Running) -> None:
    """Dimmed, and it says where if that is elsewhere."""
    gate, wait = gated(always(None))
    async with running(wait, groups="all"):
        await terminal.enter("one")
        gate.set()
        await terminal.shows(f"{PROMPT} one", "[no reply]", PROMPT)
        assert b"\x1b[2m[no reply]" in terminal.written
        gate.clear()
        await terminal.enter(":in #team")
        await terminal.until(lambda: terminal.typed == "user@#team> ")
        await terminal.enter("two")
        await terminal.enter(":in console")
        await terminal.until(lambda: terminal.typed == f"{PROMPT} ")
        gate.set()
        await terminal.shows("[in #team]", "[no reply]", PROMPT)


@pytest.mark.parametrize("line", [":join", ":edit oh"])
async def test_what_no_handler_is_for_is_seen(
    terminal: Terminal, running: Running, line: str
) -> None:
    """It did reach the bot."""
    async with running(echo):
        await terminal.enter("hi")
        await terminal.shows("» user said hi", PROMPT)
        await terminal.enter(line)
        await terminal.shows(f"{PROMPT} {line}", "[no reply]", PROMPT)


async def test_a_word_that_is_none_is_told(terminal: Terminal, running: Running) -> None:
    """And not said."""
    async with running(echo):
        await terminal.enter(":fooo")
        await terminal.shows(
            f"{PROMPT} :fooo",
            "[there is no :fooo; :help tells what there is; ::fooo says it]",
            PROMPT,
        )


async def test_a_handler_cannot_read_what_is_typed(terminal: Terminal, running: Running) -> None:
    """The prompt stays whose it is."""

    async def ask(text: str) -> str:
        try:
            return input("name? ")  # noqa: ASYNC250 - it is what is tried
        except RuntimeError as error:
            return str(error)[:24]

    async with running(ask):
        await terminal.enter("hi")
        await terminal.shows("» input() and sys.stdin re", PROMPT)
        await terminal.enter("again")
        await terminal.until(lambda: terminal.text.count("» input() and sys.stdin") == 2)


async def test_what_was_said_elsewhere_says_where(terminal: Terminal, running: Running) -> None:
    """When one has gone on to another chat meanwhile."""
    gate, wait = gated(lambda message: f"late: {message.text}")
    async with running(wait, groups="all"):
        await terminal.enter(":in #team/plans")
        await terminal.until(lambda: terminal.typed == "user@#team/plans> ")
        await terminal.enter("one")
        await terminal.enter(":in console")
        await terminal.until(lambda: terminal.typed == f"{PROMPT} ")
        gate.set()
        await terminal.shows("[in #team/plans]", "» late: one", PROMPT)


# Buttons, edits, deletes


async def test_a_button_is_pressed_by_its_number(terminal: Terminal, running: Running) -> None:
    """What it sends comes as the text of a press."""

    def answer(message: Message) -> Reply:
        if message.kind == "press":
            return Reply(f"pressed {message.text}")
        return Reply("Well?", buttons=[Button("Yes", "y"), Button("No", "n")])

    async with running(answer):
        await terminal.enter("ask")
        await terminal.shows("» Well?", "  [1] Yes  [2] No  #1", PROMPT)
        await terminal.enter(":press 2")
        await terminal.shows(f"{PROMPT} :press 2", "» pressed n", PROMPT)


async def test_a_card_is_a_panel(terminal: Terminal, running: Running) -> None:
    """Its title in the edge, its small print below."""
    card = Card(title="Sky", text=Markdown("**blue**"), fields={"High": "21"}, footer="noon")
    async with running(always(Reply("Today:", card=card, buttons=[Button("Thanks")]))):
        await terminal.enter("go")
        await terminal.shows(
            "» Today:",
            "  ╭─ Sky ────╮",
            "  │ blue     │",
            "  │          │",
            "  │ High: 21 │",
            "  ╰─ noon ───╯",
            "  [1] Thanks  #1",
            PROMPT,
        )


async def test_an_edit_says_what_it_replaces(terminal: Terminal, running: Running) -> None:
    """By its first words."""

    def answer(message: Message) -> Reply:
        if message.pressed:
            return Reply("Thank you!", edit=message.pressed)
        return Reply(
            "Will you come to the summer party of the rowing club?", buttons=[Button("Yes")]
        )

    async with running(answer):
        await terminal.enter("ask")
        await terminal.shows("  [1] Yes  #1", PROMPT)
        await terminal.enter(":press yes")
        await terminal.shows("[edited: Will you come to the summer party of the…]", "» Thank you!")


async def test_a_message_that_is_deleted_is_told(terminal: Terminal, running: Running) -> None:
    """It stays where it was printed."""

    def answer(message: Message) -> Reply | Delete:
        if message.pressed:
            return Delete(message.pressed)
        return Reply("Delete me", buttons=[Button("Yes")])

    async with running(answer):
        await terminal.enter("ask")
        await terminal.shows("  [1] Yes  #1", PROMPT)
        await terminal.enter(":press 1")
        await terminal.shows("[deleted: Delete me]", PROMPT)


# Typing and previews


async def test_the_bot_is_seen_typing(terminal: Terminal, running: Running) -> None:
    """At the right of the prompt, until it answers."""
    gate, wait = gated(always("done"))
    async with running(wait):
        await terminal.enter("go")
        await terminal.until(lambda: terminal.rows[-1].split() == [PROMPT, "bot", "is", "typing"])
        gate.set()
        await terminal.shows(f"{PROMPT} go", "» done", PROMPT)


async def preview(adapter: ConsoleAdapter, text: str, chat: str = "console") -> None:
    part = adapter.render(Post(StyledText(text)))[0]
    sent = await adapter.perform(Action("1-2-0", chat, part=part, preview=True))
    assert sent.message_id is None


async def test_ctrl_c_ends_a_stream_and_not_the_program(
    terminal: Terminal, running: Running
) -> None:
    """What was shown stays, the handler ends, and one goes on talking."""
    ended = asyncio.Event()

    async def stream(text: str) -> AsyncGenerator[str]:
        if text == "short":
            yield "Short."
            return
        try:
            yield "Once upon a time"
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    async with running(stream):
        await terminal.enter("go")
        await terminal.shows(f"{PROMPT} go", "» Once upon a time", PROMPT)
        terminal.type("typed" + CTRL_C)
        await terminal.until(lambda: terminal.typed == f"{PROMPT} ")
        assert not ended.is_set()
        terminal.type(CTRL_C)
        await terminal.shows(f"{PROMPT} go", "» Once upon a time", "» (interrupted)", PROMPT)
        await ended.wait()
        await terminal.enter("short")
        await terminal.shows(f"{PROMPT} short", "» Short.", PROMPT)


async def test_ctrl_c_ends_a_stream_before_its_first_words(
    terminal: Terminal, running: Running
) -> None:
    """A model may take its time."""
    begun = asyncio.Event()

    async def stream(text: str) -> AsyncGenerator[str]:
        begun.set()
        await asyncio.get_running_loop().create_future()
        yield "never"

    async with running(stream):
        await terminal.enter("go")
        await begun.wait()
        terminal.type(CTRL_C)
        await terminal.shows(f"{PROMPT} go", "[no reply]", PROMPT)


async def test_ctrl_c_ends_a_stream_in_a_thread(terminal: Terminal, running: Running) -> None:
    """A sync generator is left behind, and may end when it likes."""
    gate = threading.Event()

    def stream(text: str) -> Iterator[str]:
        yield "Once upon"
        gate.wait(20)
        yield "never"

    async with running(stream):
        await terminal.enter("go")
        await terminal.shows(f"{PROMPT} go", "» Once upon", PROMPT)
        terminal.type(CTRL_C)
        await terminal.shows(f"{PROMPT} go", "» Once upon", "» (interrupted)", PROMPT)
        gate.set()
        await terminal.enter(":help")
        await terminal.until(lambda: "show this" in terminal.text)
        assert "never" not in terminal.text


async def test_ctrl_c_ends_the_stream_of_the_place_alone(
    terminal: Terminal, running: Running
) -> None:
    """Elsewhere it goes on."""
    gate = asyncio.Event()

    async def stream(message: Message) -> AsyncGenerator[str]:
        yield f"to {message.chat.id}"
        await gate.wait()
        yield f"done in {message.chat.id}"

    async with running(stream):
        await terminal.enter("one")
        await terminal.shows("» to console", PROMPT)
        await terminal.enter(":in room")
        await terminal.until(lambda: terminal.typed == "user@room> ")
        await terminal.enter("two")
        await terminal.shows("» to room", "user@room>")
        terminal.type(CTRL_C)
        await terminal.shows("» to room", "» (interrupted)", "user@room>")
        gate.set()
        await terminal.shows("[in console]", "» done in console", "user@room>")


async def test_an_answer_is_seen_growing(terminal: Terminal, running: Running) -> None:
    """Above the prompt, while one goes on typing; each preview replaces the one before."""
    async with running(echo) as adapter:
        terminal.type("typed")
        await preview(adapter, "Once upon")
        await terminal.shows("» Once upon", f"{PROMPT} typed")
        await preview(adapter, "Once upon a time\nthere was")
        await terminal.shows("» Once upon a time", "  there was", f"{PROMPT} typed")
        assert terminal.text.count("Once upon") == 1


async def test_a_stream_is_seen_growing_and_printed_once(
    terminal: Terminal, running: Running
) -> None:
    """As a generator yields it."""
    gates = {"Once": asyncio.Event(), "Once upon": asyncio.Event()}

    async def stream(text: str) -> AsyncGenerator[str]:
        for answer, gate in gates.items():
            yield answer
            await gate.wait()
        yield "Once upon a time."

    async with running(stream):
        await terminal.enter("go")
        for answer, gate in gates.items():
            await terminal.shows(f"{PROMPT} go", f"» {answer}", PROMPT)
            gate.set()
        await terminal.shows(f"{PROMPT} go", "» Once upon a time.", PROMPT)


async def test_the_answer_takes_the_place_of_its_previews(
    terminal: Terminal, running: Running
) -> None:
    """It is printed once."""
    async with running(echo) as adapter:
        await preview(adapter, "Once upon")
        await terminal.shows("» Once upon", PROMPT)
        part = adapter.render(Post(StyledText("Once upon a time.")))[0]
        await adapter.perform(Action("1-2-0", "console", part=part))
        await terminal.shows("Ctrl-D leaves, :help says more.", "» Once upon a time.", PROMPT)


async def test_the_end_of_a_long_preview_is_seen(terminal: Terminal, running: Running) -> None:
    """Half of the screen is enough for it."""
    async with running(echo) as adapter:
        await preview(adapter, "\n".join(f"line {number}" for number in range(1000)))
        await terminal.shows("  line 998", "  line 999", PROMPT)
        assert "  line 980" in terminal.rows
        assert "  line 979" not in terminal.rows


async def test_previews_elsewhere_are_not_seen(terminal: Terminal, running: Running) -> None:
    """Until one goes there."""
    async with running(echo) as adapter:
        await preview(adapter, "Once upon", chat="room")
        await terminal.enter("hi")
        await terminal.shows("» user said hi", PROMPT)
        assert "Once upon" not in terminal.text
        await terminal.enter(":in room")
        await terminal.shows("» Once upon", "user@room>")


async def test_a_preview_that_nothing_follows_vanishes(
    terminal: Terminal, running: Running
) -> None:
    """When the turn is over."""
    gate, wait = gated(always(None))
    async with running(wait) as adapter:
        await terminal.enter("go")
        await preview(adapter, "Once upon")
        await terminal.shows(f"{PROMPT} go", "» Once upon", PROMPT)
        gate.set()
        await terminal.shows(f"{PROMPT} go", "[no reply]", PROMPT)


# Files


async def test_a_file_that_the_bot_sends_is_kept(
    terminal: Terminal, running: Running, tmp_path: Path
) -> None:
    """In the folder, and a line says where it lies and how large it is."""
    async with running(always(Reply("Here:", files=[File(b"x" * 1500, "notes.txt")]))):
        await terminal.enter("go")
        await terminal.shows("» Here:", "  [file: chatstate-files/notes.txt, 1.5 kB]", PROMPT)
        assert (tmp_path / "chatstate-files" / "notes.txt").read_bytes() == b"x" * 1500


async def test_a_file_is_sent(terminal: Terminal, running: Running, tmp_path: Path) -> None:
    """With what is said about it."""

    async def answer(turn: Turn) -> str:
        (file,) = [await turn.download(attachment) for attachment in turn.message.attachments]
        return f"{turn.text}: {file.name}, {file.media_type}, {file.read()!r}"

    (tmp_path / "a b.txt").write_text("hello")
    async with running(answer):
        await terminal.enter(":send 'a b.txt' look at this")
        await terminal.shows("» look at this: a b.txt, text/plain, b'hello'", PROMPT)


# Without the libraries, and at other terminals


async def test_a_missing_library_names_the_pip_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe would work all the same."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delitem(sys.modules, "chatstate_console.terminal", raising=False)
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    with (
        terminal.open() as stdout,
        pytest.raises(AdapterError, match=re.escape(pip_line("chatstate", "console"))),
    ):
        ConsoleAdapter(stdin=terminal.slave, stdout=stdout)


async def test_a_dumb_terminal_is_treated_as_a_pipe(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without prompt, colours or typing notices; nothing there can place them."""
    monkeypatch.setenv("TERM", "dumb")
    with terminal.open() as stdout:
        adapter = ConsoleAdapter(stdin=terminal.slave, stdout=stdout)
        assert not adapter.capabilities.typing
        await adapter.perform(
            Action("1", "console", part=adapter.render(Post(StyledText(EVIL)))[0])
        )
        await terminal.shows(HARMLESS)
        assert is_harmless(terminal)


async def test_what_was_typed_is_erased_with_whom_the_bot_forgets(
    terminal: Terminal, running: Running, tmp_path: Path
) -> None:
    """The file is gone, and what was typed is not offered again."""
    kept = tmp_path / "kept"
    async with running(echo, history=str(kept)) as adapter:
        await terminal.enter("secret")
        await terminal.shows("» user said secret", PROMPT)
        assert "secret" in kept.read_text()
        assert await adapter.forget("user")
        assert not kept.exists()
        assert not await adapter.forget("user")
