"""The local console: what a line means, and dialogues with a real process."""

import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chatstate import User
from chatstate_console.lines import HELP, Do, Say, mentions, read

COMMAND = [sys.executable, "-m", "chatstate"]
NONE = "Previous messages: none"

# A process gets Ctrl-C only from its own terminal: it must be made the controlling one.
AT_TERMINAL = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "chatstate", *sys.argv[1:]])
"""

BLOCKS = """\
from chatstate import Interface, State

def wait(text: str, seen: int) -> tuple[str, int]:
    print("began", flush=True)
    open("go").read()
    return f"done {text} {seen}", seen + 1

bot = Interface(wait, inputs=["text", State(0)], outputs=["text", "state"])
"""


# What a line means


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("hi", Say("hi")),
        ("", Say("")),
        (" hi ", Say(" hi ")),
        (":as bob", Do("as", "bob")),
        (":as  Bob the Builder ", Do("as", "Bob the Builder")),
        (":in room", Do("in", "room")),
        (":help", Do("help", "")),
        (":help ", Do("help", "")),
        (":quit", Do("quit", "")),
        (":as", Do("help", "")),
        (":in  ", Do("help", "")),
        ("::x", Say(":x")),
        ("::quit", Say(":quit")),
        ("::", Say(":")),
        (":::", Say("::")),
        (":", Say(":")),
        (":)", Say(":)")),
        (":-)", Say(":-)")),
        (": quit", Say(": quit")),
        (" :quit", Say(" :quit")),
        (":quit now", Say(":quit now")),
        (":QUIT", Say(":QUIT")),
        (":assume nothing", Say(":assume nothing")),
        ("/help", Say("/help")),
        ("quit", Say("quit")),
    ],
)
def test_a_line_is_said_or_done(line: str, meaning: Say | Do) -> None:
    """Four words after one colon are for the console; everything else is said as it is."""
    assert read(line) == meaning


@pytest.mark.parametrize(
    ("text", "names"),
    [("hi", []), ("@bob hi @Ann_1, @bob", ["bob", "Ann_1"]), ("@", []), ("@größe!", ["größe"])],
)
def test_people_are_named_with_an_at_sign(text: str, names: list[str]) -> None:
    """Each once, in the order of the text."""
    assert mentions(text) == tuple(User(name, name) for name in names)


# Dialogues

Talk = Callable[..., str]


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    """Return what runs history-echo on some input, and returns what it printed."""

    def talk(text: str | bytes, *args: str, **environment: str) -> str:
        ran = subprocess.run(
            [*COMMAND, "run", "history-echo", "--store", "sqlite:///a.db", *args],
            cwd=tmp_path,
            input=text.encode() if isinstance(text, str) else text,
            capture_output=True,
            check=False,
            env={**os.environ, **environment},
        )
        assert (ran.returncode, ran.stderr) == (0, b"")
        return ran.stdout.decode()

    return talk


def echo(current: str, *previous: str) -> str:
    lines = [f"{number}. {text}" for number, text in enumerate(previous, 1)]
    return "\n".join(
        [f"Current message: {current}", *(["Previous messages:", *lines] if lines else [NONE]), ""]
    )


def test_a_dialogue_is_printed_and_nothing_else(talk: Talk) -> None:
    """Each message is answered before the next; stdout holds the replies alone."""
    assert talk("hi\nagain\nthird\n") == (
        "Current message: hi\n"
        "Previous messages: none\n"
        "Current message: again\n"
        "Previous messages:\n"
        "1. hi\n"
        "Current message: third\n"
        "Previous messages:\n"
        "1. again\n"
        "2. hi\n"
    )


def test_a_second_run_remembers_the_first(talk: Talk) -> None:
    """History is kept in the file, newest first."""
    talk("hi\nagain\nthird\n")
    assert talk("fourth\n") == echo("fourth", "third", "again", "hi")


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


def test_who_and_where_may_be_given(talk: Talk) -> None:
    """`--user` and `--chat` are what `:as` and `:in` begin with."""
    talk(":as bob\n:in room\nhi\n")
    assert talk("again\n", "--user", "bob", "--chat", "room") == echo("again", "hi")


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
    assert talk(text, PYTHONIOENCODING="utf-8") == expected


def test_a_very_long_line_is_one_message(talk: Talk) -> None:
    """A megabyte comes back whole."""
    line = "x" * 1_000_000
    assert talk(f"{line}\n") == echo(line)


def test_an_output_that_cannot_show_a_character_shows_another(talk: Talk) -> None:
    """A terminal of ASCII is no reason to fail."""
    assert talk("grüße 😀\n", PYTHONIOENCODING="ascii") == echo("gr??e ?")


def test_a_character_in_two_pieces_is_one(tmp_path: Path) -> None:
    """A read that ends inside a character waits for its rest."""
    emoji = "😀".encode()
    with start(tmp_path, "history-echo") as process:
        process.stdin.write(b"hi\n" + emoji[:2])
        assert process.stdout.readline() == b"Current message: hi\n"
        out, _ = process.communicate(emoji[2:] + b"\n")
    assert out.decode() == f"{NONE}\n{echo('😀', 'hi')}"


@contextmanager
def start(folder: Path, bot: str) -> Iterator[Any]:
    """Start a bot with pipes, and do not leave it behind."""
    process = subprocess.Popen(
        [*COMMAND, "run", bot, "--store", "sqlite:///a.db"],
        cwd=folder,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_replies_that_nobody_reads_end_it(tmp_path: Path) -> None:
    """As in `chatstate run ... | head -1`: it does not go on reading, and says so."""
    with start(tmp_path, "history-echo") as process:
        process.stdout.close()
        process.stdin.write(b"hi\nagain\n")
        assert process.wait() == 2
        told = process.stderr.read().decode()
    assert "chatstate: nobody reads what is printed" in told
    assert "Traceback" not in told
    assert "Exception ignored" not in told


# Being told to stop


@pytest.fixture
def blocking_bot(tmp_path: Path) -> Path:
    """Write a bot whose handler waits until somebody writes to the pipe that is returned."""
    os.mkfifo(tmp_path / "go")
    (tmp_path / "blocks.py").write_text(BLOCKS)
    return tmp_path / "go"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_handler_at_work_may_finish(
    tmp_path: Path, blocking_bot: Path, number: signal.Signals
) -> None:
    """Told to stop, the bot lets it finish, prints its reply and leaves with status 0."""
    with start(tmp_path, "blocks.py") as process:
        process.stdin.write(b"hi\nnot read\n")
        assert process.stdout.readline() == b"began\n"
        process.send_signal(number)
        blocking_bot.write_text("")
        assert process.stdout.read() == b"done hi 0\n"
        assert process.wait() == 0


@pytest.mark.timeout(120)
def test_a_handler_that_hangs_is_left_behind(tmp_path: Path, blocking_bot: Path) -> None:
    """Told to stop, the bot leaves without it; its message is handled by the next run."""
    with start(tmp_path, "blocks.py") as process:
        process.stdin.write(b"hi\n")
        assert process.stdout.readline() == b"began\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    with start(tmp_path, "blocks.py") as process:
        process.stdin.close()
        assert process.stdout.readline() == b"began\n"
        blocking_bot.write_text("")
        assert process.stdout.read() == b"done hi 0\n"
        assert process.wait() == 0


def test_told_twice_it_leaves_at_once(tmp_path: Path, blocking_bot: Path) -> None:
    """The second signal does not wait for anything; it is a stop all the same, and no crash."""
    with start(tmp_path, "blocks.py") as process:
        process.stdin.write(b"hi\n")
        assert process.stdout.readline() == b"began\n"
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    assert blocking_bot.is_fifo()


# At a terminal


class Terminal:
    """A process at a real pseudo-terminal."""

    def __init__(self, folder: Path) -> None:
        self.master, slave = os.openpty()
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO  # what is typed is not repeated in what is shown
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        self.process = subprocess.Popen(
            [sys.executable, "-c", AT_TERMINAL, "run", "history-echo", "--store", ":memory:"],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "FORCE_COLOR": "1"},
        )
        os.close(slave)
        self.shown = b""

    def wait_for(self, text: bytes) -> None:
        while text not in self.shown:
            self.shown += os.read(self.master, 4096)

    def type(self, text: bytes) -> None:
        self.shown = b""
        os.write(self.master, text)

    def end(self) -> int:
        """Return the status, once everything it said was read."""
        try:
            while more := os.read(self.master, 4096):
                self.shown += more
        except OSError:  # Linux's way to say that nobody has the terminal open any more
            self.shown += b""
        return self.process.wait()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def test_a_terminal_gets_a_prompt(terminal: Terminal) -> None:
    """It says who speaks, and where; replies have no colours."""
    terminal.wait_for(b"user@console> ")
    terminal.type(b"hi\n")
    terminal.wait_for(b"user@console> ")
    assert terminal.shown == f"Current message: hi\r\n{NONE}\r\nuser@console> ".encode()
    terminal.type(b":as bob\n:in room\n")
    terminal.wait_for(b"bob@room> ")


@pytest.mark.parametrize("key", [b"\x04", b"\x03"], ids=["Ctrl-D", "Ctrl-C"])
def test_a_terminal_is_left_with_a_key(terminal: Terminal, key: bytes) -> None:
    """With status 0 and nothing but the end of the prompt's line."""
    terminal.wait_for(b"user@console> ")
    terminal.type(key)
    assert terminal.end() == 0
    assert terminal.shown in (b"\r\n", b"^C\r\n")


def test_a_terminal_is_left_with_quit(terminal: Terminal) -> None:
    """The line is ended already."""
    terminal.wait_for(b"user@console> ")
    terminal.type(b":quit\n")
    assert terminal.end() == 0
    assert terminal.shown == b""


def test_a_terminal_that_is_gone_ends_it(tmp_path: Path) -> None:
    """A window that was closed is the end of the input."""
    master, slave = os.openpty()
    with subprocess.Popen(
        [*COMMAND, "run", "history-echo", "--store", ":memory:"],
        cwd=tmp_path,
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(slave)
        os.write(master, b"hi\n")
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"Current message: hi\n"
        os.close(master)
        assert process.wait() == 0
        assert process.stderr.read() == b""
