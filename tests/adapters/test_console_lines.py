"""What a line at the console means, and how its parts are shown. Pure functions."""

import pytest

from chatstate import User
from chatstate.text import Span, StyledText
from chatstate_console.receive.groups import heard
from chatstate_console.receive.lines import (
    HELP,
    WORDS,
    Do,
    Misspelt,
    Place,
    Say,
    Wanted,
    mentions,
    path_and_text,
    place,
    read,
    wanted,
)
from chatstate_console.send.painting import Painter
from chatstate_console.send.parts import file_line, first_words
from chatstate_console.send.redirection import coloured
from chatstate_console.send.visible import visible_styled


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("hi", Say("hi")),
        ("", Say("")),
        (" hi ", Say(" hi ")),
        (":as bob", Do("as", "bob")),
        (":as  Bob the Builder ", Do("as", "Bob the Builder")),
        (":in room", Do("in", "room")),
        (":press 1", Do("press", "1")),
        (":send a.txt look at this", Do("send", "a.txt look at this")),
        (":help", Do("help", "")),
        (":help ", Do("help", "")),
        (":quit", Do("quit", "")),
        (":join", Do("join", "")),
        (":as", Do("help", "")),
        (":in  ", Do("help", "")),
        (":edit", Do("help", "")),
        ("::x", Say(":x")),
        ("::quit", Say(":quit")),
        ("::", Say(":")),
        (":::", Say("::")),
        (":", Say(":")),
        (":)", Say(":)")),
        (":-)", Say(":-)")),
        (": quit", Say(": quit")),
        (" :quit", Say(" :quit")),
        (":D", Say(":D")),
        (":smile: hi", Say(":smile: hi")),
        (":3", Say(":3")),
        (":fooo's", Say(":fooo's")),
        (":QUIT", Do("quit", "")),
        (":As bob", Do("as", "bob")),
        ("::fooo", Say(":fooo")),
        ("/help", Say("/help")),
        ("quit", Say("quit")),
    ],
)
def test_a_line_is_said_or_done(line: str, meaning: Say | Do) -> None:
    """A word after one colon is for the console; everything else is said as it is."""
    assert read(line) == meaning


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (":fooo", "there is no :fooo; :help tells what there is; ::fooo says it"),
        (":fooo bar", "there is no :fooo; :help tells what there is; ::fooo says it"),
        (":fooo\nbar", "there is no :fooo; :help tells what there is; ::fooo says it"),
        (":pres 1", "there is no :pres, did you mean :press?; ::pres says it"),
        (":Qiut", "there is no :Qiut, did you mean :quit?; ::Qiut says it"),
        (":quit now", ":quit takes nothing behind it; ::quit says it"),
        (":join us", ":join takes nothing behind it; ::join says it"),
    ],
)
def test_a_word_that_is_none_is_told(line: str, told: str) -> None:
    """It was meant for the console, and is not said."""
    assert read(line) == Misspelt(told)


def test_help_tells_of_every_word() -> None:
    """And nothing in it is wider than a terminal."""
    assert all(f":{word}" in HELP for word in WORDS)
    assert max(map(len, HELP.splitlines())) <= 80


@pytest.mark.parametrize(
    ("text", "names"),
    [("hi", []), ("@bob hi @Ann_1, @bob", ["bob", "Ann_1"]), ("@", []), ("@größe!", ["größe"])],
)
def test_people_are_named_with_an_at_sign(text: str, names: list[str]) -> None:
    """Each once, in the order of the text."""
    assert mentions(text) == tuple(User(name, name) for name in names)


@pytest.mark.parametrize(
    ("text", "heard_as"),
    [
        ("hi", None),
        ("/vote 1", "/vote 1"),
        ("/vote@my-bot 1", "/vote 1"),
        ("/vote@MY-BOT", "/vote"),
        ("/vote@other 1", None),
        ("/vote@my-bots 1", None),
        ("@my-bot hi", "hi"),
        ("@my-bot, hi", "hi"),
        ("  @My-Bot: hi there", "hi there"),
        ("@my-bot /vote 1", "/vote 1"),
        ("hi @my-bot", "hi"),
        ("hi @my-bot, how are you?", "hi, how are you?"),
        ("hello @my-bot there", "hello there"),
        ("@my-bot", ""),
        ("@my-bots hi", None),
        ("@my-bot-2 hi", None),
        ("me@my-bot", None),
        ("@bob hi", None),
        ("@my-bot ask @bob", "ask @bob"),
    ],
)
def test_in_a_group_the_bot_hears_what_is_meant_for_it(text: str, heard_as: str | None) -> None:
    """Commands, and what names it; its name is no part of the text."""
    assert heard(text, "my-bot", "addressed") == heard_as


def test_answers_are_meant_for_the_bot() -> None:
    """Whatever they say, but for a command to another bot."""
    assert heard("yes", "bot", "addressed", answers=True) == "yes"
    assert heard("/vote@other", "bot", "addressed", answers=True) is None


def test_a_bot_may_listen_to_all() -> None:
    """But for commands to other bots; its name is left out all the same."""
    assert heard("hi", "bot", "all") == "hi"
    assert heard("hi @bot", "bot", "all") == "hi"
    assert heard("/vote@other", "bot", "all") is None


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("room", Place("room")),
        ("a room", Place("a room")),
        ("#room", Place("#room")),
        ("room/plans", Place("room", "plans")),
        ("#room / old plans/1", Place("#room", "old plans/1")),
        ("room/", Place("room")),
    ],
)
def test_a_place_is_a_chat_or_a_thread_in_it(name: str, there: Place) -> None:
    """What stands before the first slash is the chat."""
    assert place(name) == there


@pytest.mark.parametrize("name", ["/plans", " / ", "/"])
def test_a_place_needs_a_chat(name: str) -> None:
    """The error says what is possible."""
    with pytest.raises(ValueError, match="names no chat; say NAME, #GROUP or CHAT/THREAD"):
        place(name)


def test_a_hash_makes_a_group() -> None:
    """Every other chat is a private one."""
    assert (Place("#a").as_chat.kind, Place("a").as_chat.kind) == ("group", "private")


@pytest.mark.parametrize(
    ("argument", "button"),
    [
        ("2", Wanted(0, 2, "2")),
        ("3.1", Wanted(3, 1, "3.1")),
        ("Yes", Wanted(0, 0, "Yes")),
        ("Yes, 2", Wanted(0, 0, "Yes, 2")),
        ("v.1", Wanted(0, 0, "v.1")),
        (".1", Wanted(0, 1, ".1")),
        ("-1", Wanted(0, 0, "-1")),
    ],
)
def test_a_button_is_named_by_number_or_label(argument: str, button: Wanted) -> None:
    """The message's number stands before a dot."""
    assert wanted(argument) == button


@pytest.mark.parametrize(
    ("argument", "path", "text"),
    [
        ("a.txt", "a.txt", ""),
        ("a.txt  look at this", "a.txt", "look at this"),
        ("'a b.txt' look", "a b.txt", "look"),
        ('"a b.txt"', "a b.txt", ""),
        (r"a\ b.txt look", "a b.txt", "look"),
        (r"C:\a\b.txt", r"C:\a\b.txt", ""),
        ("'a b.txt", "'a", "b.txt"),
    ],
)
def test_a_path_may_hold_blanks(argument: str, path: str, text: str) -> None:
    """If they are quoted, or a backslash stands before each."""
    assert path_and_text(argument) == (path, text)


def test_line_ends_of_windows_are_line_ends() -> None:
    """They are shown as nothing else."""
    assert visible_styled(StyledText("a\r\nb")) == StyledText("a\nb")


def test_what_is_said_about_a_text_stays_true() -> None:
    """Positions are the same, and addresses are harmless too."""
    text = StyledText("\x1b\r\nlink", (Span("link", 3, 7, "http://a\x1b"),))
    assert visible_styled(text) == StyledText("␛␍\nlink", (Span("link", 3, 7, "http://a␛"),))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("one\n  two", "one two"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 40 + "…"),
        (
            "one two three four five six seven eight nine ten",
            "one two three four five six seven eight…",
        ),
        ("1234 6789 1234 6789 1234 6789 1234 67890 2", "1234 6789 1234 6789 1234 6789 1234 67890…"),
    ],
)
def test_first_words_are_whole_words(text: str, words: str) -> None:
    """As many as there is room for, in one line."""
    assert first_words(text) == words


@pytest.mark.parametrize(
    ("size", "readable"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (1_400_000, "1.4 MB"), (2e9, "2.0 GB")],
)
def test_a_file_is_told_with_its_size(size: int, readable: str) -> None:
    """As people read it."""
    assert file_line("a/b.txt", size) == f"[file: a/b.txt, {readable}]"


def test_words_that_are_printed_are_not_cut() -> None:
    """A handler's, and those of the log: rows end between words, and colours stay."""
    printed = Painter(lambda: 20).printed(f"{'words ' * 5}\n\x1b[31mred\x1b[0m and not")
    rows = [row.rstrip() for row in printed.split("\n")]
    assert rows == ["words words words", "words words", "\x1b[31mred\x1b[0m and not", ""]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        ("\x1b[31mred", "\x1b[31mred"),
        ("\x1b[2Jgone\x1b]52;c;eA==\x07", "␛[2Jgone␛]52;c;eA==␇"),
        ("10 %\r 20 %\r 100 %", " 100 %"),
        ("of Windows\r", "of Windows"),
        ("\u202eback", "\ufffdback"),
    ],
)
def test_what_is_printed_meanwhile_may_have_colours(line: str, shown: str) -> None:
    """And nothing else that a terminal obeys; a bar of progress is shown as it ends."""
    assert coloured(line) == shown
