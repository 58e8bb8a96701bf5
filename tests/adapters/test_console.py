"""The console in a pipe: what goes in, and what is printed for it."""

import asyncio
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatstate import (
    Button,
    Card,
    Delete,
    File,
    Interface,
    Markdown,
    Message,
    MessageRef,
    Option,
    React,
    Rejected,
    Reply,
    Select,
    Turn,
)
from chatstate.adapter import Action, Host, Part, StoredFile
from chatstate.engine import Engine
from chatstate.stores import open_store
from chatstate_bots.history_echo import bot as history_echo
from chatstate_console import ConsoleAdapter
from chatstate_console.receive.lines import HELP
from chatstate_console.send.files import keep

NONE = "Previous messages: none"
Talk = Callable[..., str]


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Return what runs a bot, or a handler, on some input, and returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def talk(
        text: str | bytes, answer: Interface | Callable[..., Any] = history_echo, **options: Any
    ) -> str:
        Path("input").write_bytes(text.encode() if isinstance(text, str) else text)
        printed = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")
        with Path("input").open("rb") as stdin:
            adapter = ConsoleAdapter(stdin=stdin.fileno(), stdout=printed, **options)
            asyncio.run(Engine(as_bot(answer), [adapter], open_store("sqlite:///a.db")).run())
        printed.seek(0)
        return printed.read()

    return talk


def as_bot(answer: Interface | Callable[..., Any]) -> Interface:
    """Return a bot that gives `answer` to messages, presses, edits, and who joins and leaves."""
    if isinstance(answer, Interface):
        return answer
    bot = Interface(id="test")
    bot.on_message(answer)
    bot.on_edit(answer)
    bot.on_join(answer)
    bot.on_leave(answer)
    return bot


def echo(current: str, *previous: str) -> str:
    lines = [f"{number}. {text}" for number, text in enumerate(previous, 1)]
    return "\n".join(
        [f"Current message: {current}", *(["Previous messages:", *lines] if lines else [NONE]), ""]
    )


def test_nobody_sees_anybody_elses_messages(talk: Talk) -> None:
    """`:as` speaks as somebody else, who has a history of his own."""
    assert talk(":as alice\nhi\n:as bob\nhello\n:as alice\nagain\n") == (
        echo("hi") + echo("hello") + echo("again", "hi")
    )


def test_another_chat_starts_afresh(talk: Talk) -> None:
    """`:in` goes elsewhere, where nothing was said yet, and back."""
    assert talk("hi\n:in room\nhello\n:in console\nagain\n") == (
        echo("hi") + echo("hello") + echo("again", "hi")
    )


def test_help_is_shown_and_quit_leaves(talk: Talk) -> None:
    """What stands behind :quit is not read."""
    assert talk(":help\n:as\n:quit\nnot read\n") == f"{HELP}\n{HELP}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("hi", echo("hi")),
        ("hi\r\nagain\r\n", echo("hi") + echo("again", "hi")),
        ("hi\r", echo("hi")),
        ("\n", echo("")),
        ("  two  words \n", echo("  two  words ")),
        ("a\x00\x1fb\u2028c\x0b\x0c\x85d\n", echo("a\x00\x1fb\u2028c\x0b\x0c\x85d")),
        (b"\xff\xfe caf\xc3\n", echo("\ufffd\ufffd caf\ufffd")),
        (b"cut \xf0\x9f\x98", echo("cut \ufffd")),
        ("grüße 😀\n", echo("grüße 😀")),
        ("::quit\n:)\n", echo(":quit") + echo(":)", ":quit")),
    ],
)
def test_any_bytes_are_read(talk: Talk, text: str | bytes, expected: str) -> None:
    """Lines end at line feeds alone; what is no UTF-8 is shown as such and harms nothing."""
    assert talk(text) == expected


def test_a_very_long_line_is_one_message(talk: Talk) -> None:
    """A megabyte comes back whole."""
    line = "x" * 1_000_000
    assert talk(f"{line}\n") == echo(line)


def always(answer: Any) -> Callable[[str], Any]:
    """Return a handler that gives the same answer to everything."""

    def handler(text: str) -> Any:
        return answer

    return handler


def into(seen: list[Message]) -> Callable[[Message], None]:
    """Return a handler that notes what it gets."""

    def handler(message: Message) -> None:
        seen.append(message)

    return handler


# What people can do


def tell(message: Message) -> str:
    """Say what a message is."""
    where = f"{message.chat.kind} {message.chat.id} {message.thread or ''}".rstrip()
    return f"{message.kind} {message.text!r} by {message.sender.id} in {where}"


def test_groups_and_threads_are_places(talk: Talk) -> None:
    """A name with # is a group; what stands behind a slash is a thread."""
    said = ":in #team/plans\nhi\n:in #team\nhi\n:in bob/1\nhi\n"
    assert talk(said, tell, groups="all") == (
        "message 'hi' by user in group #team plans\n"
        "message 'hi' by user in group #team\n"
        "message 'hi' by user in private bob 1\n"
    )


def test_a_bot_that_hears_all_is_told_what_is_for_it(talk: Talk) -> None:
    """What names it; in private everything is."""

    def addressed(message: Message) -> str:
        return f"{message.text} {message.addressed}"

    said = "hi\n:in #team\nhi\nhi @test\n"
    assert talk(said, addressed, groups="all") == "hi True\nhi False\nhi True\n"


UNHEARD = (
    "[not heard: in a group the bot hears commands, :reply, and what names @test; "
    "--groups all lets it hear everything]\n"
)


def test_in_a_group_a_bot_hears_what_it_hears_on_the_platforms(talk: Talk) -> None:
    """What names it, commands, answers to its messages; what it does not hear is told."""
    bot = as_bot(tell)

    @bot.command
    def vote(choice: int, message: Message) -> str:
        return f"voted {choice} by {message.text}"

    said = [":in #team", "hi", "@test hi", "/vote@test 2", "/vote@other 2", ":edit oh"]
    said += [":edit oh @test", ":reply yes", ""]
    assert talk("\n".join(said), bot) == (
        f"{UNHEARD}message 'hi' by user in group #team\nvoted 2 by /vote 2\n{UNHEARD}{UNHEARD}"
        "edit 'oh' by user in group #team\nmessage 'yes' by user in group #team\n"
    )


def test_the_bots_name_is_nobodys(talk: Talk) -> None:
    """People who are named with it are told."""
    seen: list[Message] = []
    talk(":in #team\n@test ask @bob\n", into(seen))
    assert [person.id for person in seen[0].mentions] == ["bob"]


def test_in_private_all_is_for_the_bot(talk: Talk) -> None:
    """To the letter."""
    assert talk("hi @test\n", tell) == "message 'hi @test' by user in private console\n"


def test_a_word_that_is_none_is_told(talk: Talk) -> None:
    """And not said."""
    assert talk(":fooo\n::fooo\n", lambda text: text) == (
        "[there is no :fooo; :help tells what there is; ::fooo says it]\n:fooo\n"
    )


@pytest.mark.parametrize("read", [input, lambda: input("name? "), lambda: sys.stdin.read(1)])
@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
def test_a_handler_cannot_read_what_is_typed(
    talk: Talk, read: Callable[[], str], sync: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told what to use instead; the next line is the bot's."""

    def ask(text: str) -> str:
        return read() if text == "ask" else text

    async def async_ask(text: str) -> str:
        return ask(text)

    before = sys.stdin
    printed = talk("ask\nbob\n", ask if sync else async_ask)
    assert printed.endswith("Sorry, something went wrong. Nothing was changed.\nbob\n")
    assert (
        "RuntimeError: input() and sys.stdin read nothing here: what is typed is said"
        in caplog.text
    )
    assert sys.stdin is before


def test_a_place_without_a_name_is_told(talk: Talk) -> None:
    """And one stays where one was."""
    assert talk(":in /plans\nhi\n", tell) == (
        "['/plans' names no chat; say NAME, #GROUP or CHAT/THREAD]\n"
        "message 'hi' by user in private console\n"
    )


def test_people_join_and_leave(talk: Talk) -> None:
    """The chat where one is."""
    assert talk(":as bob\n:in #room\n:join\n:leave\n", tell) == (
        "join '' by bob in group #room\nleave '' by bob in group #room\n"
    )


def test_an_edit_has_the_id_of_what_was_said_last(talk: Talk) -> None:
    """By the same person in the same place; edited again it is the same message."""
    seen: list[Message] = []
    talk("one\ntwo\n:as bob\nthree\n:as user\n:edit four\n:edit five\n", into(seen))
    ids = [message.id for message in seen]
    assert [message.kind for message in seen] == ["message"] * 3 + ["edit"] * 2
    assert [message.text for message in seen][3:] == ["four", "five"]
    assert ids[3] == ids[4] == ids[1] != ids[0]


def test_nothing_said_is_nothing_to_edit(talk: Talk) -> None:
    """It is told whose message there is none of."""
    assert talk("hi\n:as bob\n:edit oh\n", always(None)) == "[bob has said nothing here]\n"


def test_an_answer_names_the_bots_newest_message(talk: Talk) -> None:
    """With its text."""
    seen: list[Message] = []

    def answer(message: Message) -> str:
        seen.append(message)
        return f"well, {message.text}"

    talk("one\ntwo\n:reply three\n", answer)
    assert seen[2].text == "three"
    assert isinstance(seen[2].reply_to, MessageRef)
    assert seen[2].reply_to.text == "well, two"


def test_ids_are_never_used_again(talk: Talk) -> None:
    """Not by a later run either: nothing is taken for a duplicate."""
    seen: list[Message] = []
    for _ in range(2):
        talk("one\ntwo\n", into(seen))
    assert len({message.id for message in seen}) == 4


async def test_who_started_the_console_is_an_admin() -> None:
    """Everybody else is a guest, in all groups."""
    adapter = ConsoleAdapter(user="alice", stdout=io.StringIO())
    assert await adapter.is_admin("#room", "alice")
    assert not await adapter.is_admin("#room", "bob")


# Buttons


def ask(message: Message) -> Reply:
    if message.kind == "press":
        assert message.pressed
        return Reply(f"{message.text} on {message.pressed.text}")
    rows = [[Button("Yes"), Button("No", "never")], [Button("Ask later", "2")]]
    return Reply(f"{message.text}?", buttons=rows)


SHOWN = "\n[1] Yes  [2] No\n[3] Ask later\n"


@pytest.mark.parametrize(
    ("press", "said"),
    [("1", "Yes"), ("2", "never"), ("3", "2"), ("ask later", "2"), ("NO", "never")],
)
def test_a_button_is_pressed_by_number_or_label(talk: Talk, press: str, said: str) -> None:
    """Numbers count on from row to row."""
    assert talk(f"really\n:press {press}\n", ask) == f"really?{SHOWN}{said} on really?\n"


def test_a_button_of_an_older_message_is_pressed_by_both_numbers(talk: Talk) -> None:
    """The message's, counting those with buttons in this place, and its own."""
    printed = talk("one\ntwo\n:press 1.1\n:press 1\n:press 2.2\n", ask)
    assert printed == f"one?{SHOWN}two?{SHOWN}Yes on one?\nYes on two?\nnever on two?\n"


def choose(message: Message) -> Reply:
    if message.pressed:
        return Reply(f"{message.text}: {message.selected}")
    options = [Option("Red", "r", "warm", chosen=True), Option("Blue"), Option("Green")]
    buttons = [
        Button("Site", url="https://a.example"),
        Button("Off", disabled=True),
        Button("On"),
    ]
    return Reply("Which?", buttons, select=Select(options, "A colour", max_values=2))


THERE = "[1] Site  [2] Off  [3] On  [4] Red  [5] Blue  [6] Green"
OFFERED = """Which?
[1] Site: https://a.example  [-] Off  [3] On
[A colour]
[choose 1 to 2 of these: :press 4, 5]
[4] ✓ Red (warm)
[5] Blue
[6] Green
"""


@pytest.mark.parametrize(
    ("press", "said"),
    [
        ("3", "On: None"),
        ("4", "r: ('r',)"),
        ("4, 6", "r, Green: ('r', 'Green')"),
        ("6 5", "Green, Blue: ('Green', 'Blue')"),
        ("1.5, 1.6", "Blue, Green: ('Blue', 'Green')"),
        ("blue", "Blue: ('Blue',)"),
        ("1", "[Site opens https://a.example]"),
        ("2", "[Off cannot be pressed]"),
        ("3, 4", "[only options of one choice can be pressed together]"),
        ("4, 5, 6", "[choose 1 to 2 of these, as in :press 1, 2]"),
        ("7", f"[there is no button 7; there are {THERE}]"),
    ],
)
def test_options_are_chosen_by_their_numbers(talk: Talk, press: str, said: str) -> None:
    """Which count on from those of the buttons; several at once."""
    assert talk(f"hi\n:press {press}\n", choose) == f"{OFFERED}{said}\n"


def test_a_card_is_printed_as_it_reads(talk: Talk) -> None:
    """In a pipe, where there are no panels."""
    card = Card(
        title="Sky", text="blue", fields={"High": "21"}, url="https://a.example/", footer="x"
    )
    assert talk("hi\n", lambda _: Reply("Today:", card=card)) == (
        "Today:\n\nSky (https://a.example/)\nblue\n\nHigh: 21\n\nx\n"
    )


def test_a_label_may_look_like_a_number(talk: Talk) -> None:
    """One with a dot is meant before a button of another message."""

    def price(message: Message) -> Reply:
        buttons = [Button("2.5"), Button("1.5")]
        return Reply(message.text) if message.pressed else Reply("How much?", buttons=buttons)

    assert talk("hi\n:press 1.5\n:press 1.1\n", price) == (
        "How much?\n[1] 2.5  [2] 1.5\n1.5\n2.5\n"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (":press 1", "[there is no message with buttons here]"),
        ("a\n:in room\n:press 1", "[there is no message with buttons here]"),
        ("a\n:press 2.1", "[there is no message 2 with buttons here]"),
        ("a\n:press 4", "[there is no button 4; there are [1] Yes  [2] No  [3] Ask later]"),
        ("a\n:press What", "[there is no button What; there are [1] Yes  [2] No  [3] Ask later]"),
    ],
)
def test_what_cannot_be_pressed_is_told(talk: Talk, text: str, told: str) -> None:
    """With what can, if there is any."""
    assert talk(text, ask).splitlines()[-1] == told


def test_buttons_can_be_pressed_after_a_restart(talk: Talk) -> None:
    """Those of the newest messages, by their numbers."""
    talk("one\ntwo\n", ask)
    assert talk(":press 1\n:press 1.2\nthree\n:press 3.1\n", ask) == (
        f"Yes on two?\nnever on one?\nthree?{SHOWN}Yes on three?\n"
    )


def test_what_was_kept_by_something_else_is_ignored(talk: Talk) -> None:
    """An unknown note of an earlier run is no reason to fail."""
    bot = as_bot(lambda text: text)

    class Other(ConsoleAdapter):
        async def run(self, host: Host) -> None:
            await host.deliver([], '[{"id": 1}]')

    asyncio.run(Engine(bot, [Other()], open_store("sqlite:///a.db")).run())
    assert talk("hi\n", bot) == "hi\n"


# What bots can do


def test_markdown_is_readable(talk: Talk) -> None:
    """Without marks that say nothing."""
    assert talk("go\n", always(Markdown("# Title\n\nsome **bold** words"))) == (
        "Title\n\nsome bold words\n"
    )


def test_text_passes_as_it_is(talk: Talk) -> None:
    """Whoever reads the pipe gets what the bot said, colours and all."""
    text = "a\x1b[31mred\x1b[0m\x07 **b** \r\n\ttab"
    assert talk("go\n", always(text)) == f"{text}\n"


def test_an_edit_prints_the_new_text(talk: Talk) -> None:
    """Below what tells which message it replaces; it can be pressed by its number."""

    def answer(message: Message) -> Reply:
        buttons = [Button("Again")]
        if message.pressed:
            return Reply("second", buttons=buttons, edit=message.pressed)
        return Reply(message.text, buttons=buttons)

    assert talk("first\nother\n:press 1.1\n:press 1\n:press 2.1\n", answer) == (
        "first\n[1] Again\nother\n[1] Again\n"
        "[edited: first]\nsecond\n[1] Again\n"
        "[edited: second]\nsecond\n[1] Again\n"
        "[edited: other]\nsecond\n[1] Again\n"
    )


def test_a_reaction_is_told(talk: Talk) -> None:
    """In a line, as is that it is taken away; nothing else answers."""

    def answer(message: Message) -> React:
        return React(None if message.text == "-" else "👍", to=message.reply_to)

    assert talk("hi there\n-\n", answer) == "[👍 to: hi there]\n[no reaction to: -]\n"


def test_somebody_reacts(talk: Talk) -> None:
    """To what the bot has said last; each has one reaction to it, and may take it back."""
    bot, seen = Interface(id="test"), list[Any]()
    bot.on_message(lambda _message: "hello")

    @bot.on_reaction
    def react(added: Any, removed: Any, by: Any, target: MessageRef) -> None:
        seen.append((by.id, added, removed, target.text))

    typed = ("hi", ":react 👍", ":react 👍", ":react 🔥", ":as bob", ":react -", ":react 👍")
    assert talk("\n".join((*typed, ":as user", ":react -")), bot) == (
        "hello\n[user has reacted so already]\n[bob has not reacted to it]\n"
    )
    assert seen == [
        ("user", ("👍",), (), "hello"),
        ("user", ("🔥",), ("👍",), "hello"),
        ("bob", ("👍",), (), "hello"),
        ("user", (), ("🔥",), "hello"),
    ]


def test_a_delete_is_told(talk: Talk) -> None:
    """What was printed stays, but cannot be pressed any more."""

    def answer(message: Message) -> Reply | Delete:
        if message.pressed:
            return Delete(message.pressed)
        return Reply(message.text, buttons=[Button("Delete")])

    assert talk("hi\n:press 1\n:press 1\n", answer) == (
        "hi\n[1] Delete\n[deleted: hi]\n[there is no message with buttons here]\n"
    )


def test_messages_of_earlier_runs_have_no_words(talk: Talk) -> None:
    """They are edited and deleted all the same."""
    answers = [Reply("new", edit="old"), Delete("older"), Reply("yes", reply_to="older")]
    assert talk("go\n", always(answers)) == (
        "[edited: an earlier message]\nnew\n"
        "[deleted: an earlier message]\n"
        "[in reply to: an earlier message]\nyes\n"
    )


def test_a_reply_tells_what_it_answers(talk: Talk) -> None:
    """If the bot says so."""

    def answer(message: Message) -> Reply:
        return Reply("yes", reply_to=message.id)

    assert talk("really\n", answer) == "[in reply to: really]\nyes\n"


def test_previews_are_not_printed(talk: Talk, tmp_path: Path) -> None:
    """What is printed stays, so only the answer is."""
    printed = io.StringIO()
    read, write = os.pipe()
    adapter = ConsoleAdapter(stdin=read, stdout=printed)
    part = Part({"text": {"text": "On"}})
    asyncio.run(adapter.perform(Action("1", "console", part=part, preview=True)))
    assert printed.getvalue() == ""
    os.close(read)
    os.close(write)


# Files


def test_files_are_kept_under_new_names(talk: Talk, tmp_path: Path) -> None:
    """Nothing is overwritten, whoever made it."""
    (tmp_path / "chatstate-files").mkdir()
    (tmp_path / "chatstate-files" / "a.txt").write_text("mine")
    printed = talk("one\ntwo\n", lambda text: File(text.encode(), "a.txt"))
    assert printed == (
        "[file: chatstate-files/a-2.txt, 3 bytes]\n[file: chatstate-files/a-3.txt, 3 bytes]\n"
    )
    kept = {file.name: file.read_text() for file in (tmp_path / "chatstate-files").iterdir()}
    assert kept == {"a.txt": "mine", "a-2.txt": "one", "a-3.txt": "two"}


def test_the_folder_for_files_may_be_given(talk: Talk, tmp_path: Path) -> None:
    """It is made if it is not there."""
    talk("go\n", always(File(b"x", "a.txt")), files=tmp_path / "b" / "c")
    assert (tmp_path / "b" / "c" / "a.txt").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../a.txt", "_a.txt"),
        ("/etc/passwd", "_etc_passwd"),
        ("..", "file"),
        ("a\x1b\n\\b.txt", "a_b.txt"),
        ("C:\\a.txt", "C_a.txt"),
        (".profile", "profile"),
    ],
)
async def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str, kept: str) -> None:
    """Whatever the core lets through."""
    (tmp_path / "spooled").write_text("x")
    stored = StoredFile("1", name, "text/plain", 1, str(tmp_path / "spooled"))
    path = await keep(stored, tmp_path / "files")
    assert path == tmp_path / "files" / kept


def test_a_file_that_cannot_be_kept_is_told(talk: Talk, tmp_path: Path) -> None:
    """The reply becomes a dead letter, which can be sent again."""
    (tmp_path / "chatstate-files").write_text("in the way")
    assert talk("go\n", always(File(b"x", "a.txt"))) == (
        "[a.txt cannot be kept in chatstate-files: File exists]\n"
    )


def test_a_sent_file_can_be_read(talk: Talk, tmp_path: Path) -> None:
    """With its name, its type and what was said about it."""

    async def answer(turn: Turn) -> str:
        (attachment,) = turn.message.attachments
        file = await turn.download(attachment)
        return f"{turn.text}: {file.name} {file.media_type} {attachment.size} {file.read()!r}"

    (tmp_path / "a b.png").write_bytes(b"\x00" * 3)
    assert talk(":send 'a b.png' look\n", answer) == (
        "look: a b.png image/png 3 b'\\x00\\x00\\x00'\n"
    )


def test_a_file_that_is_gone_cannot_be_read(talk: Talk, tmp_path: Path) -> None:
    """The error says so."""

    async def answer(turn: Turn) -> str:
        (tmp_path / "a.txt").unlink()
        try:
            await turn.download(turn.message.attachments[0])
        except Rejected as error:
            return str(error)
        return "it is there"

    (tmp_path / "a.txt").write_text("x")
    path = (tmp_path / "a.txt").resolve()
    assert talk(":send a.txt\n", answer) == (
        f"{path} cannot be read any more: No such file or directory\n"
    )


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere", "[nowhere cannot be sent: No such file or directory]"),
        (".", "[. cannot be sent: Is a directory]"),
        ("/dev/null", "[/dev/null cannot be sent: Invalid argument]"),
        ("a\x00b", "[a\x00b cannot be sent: embedded null byte]"),
    ],
)
def test_what_is_no_file_is_not_sent(talk: Talk, path: str, told: str) -> None:
    """It says why."""
    assert talk(f":send {path}\n", tell) == f"{told}\n"
