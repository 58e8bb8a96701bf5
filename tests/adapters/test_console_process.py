"""The console as a process: its options, its ends, signals, and a real terminal."""

import asyncio
import os
import re
import shlex
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from adapters.terminal import CTRL_C, CTRL_D, ENTER, Terminal
from processes.programs import CHATSTATE, Program, run, start

RUN = (*CHATSTATE, "run")
PAGE = Path(__file__).parents[2] / "docs" / "console.md"
NONE = "Previous messages: none"

BLOCKS = """\
from chatstate import Interface, State

def wait(text: str, seen: int) -> tuple[str, int]:
    print("began", flush=True)
    open("go").read()
    return f"done {text} {seen}", seen + 1

bot = Interface(wait, inputs=["text", State(0)], outputs=["text", "state"])
"""


Talk = Callable[..., str]


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    """Return what runs history-echo on some input, and returns what it printed."""

    def talk(text: str | bytes, *args: str, **environment: str) -> str:
        echo = (*RUN, "history-echo", "--store", "sqlite:///a.db")
        ran = run(*echo, *args, folder=tmp_path, env=environment, given=text)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    return talk


def echo(current: str, *previous: str) -> str:
    lines = [f"{number}. {text}" for number, text in enumerate(previous, 1)]
    return "\n".join(
        [f"Current message: {current}", *(["Previous messages:", *lines] if lines else [NONE]), ""]
    )


def begun(folder: Path, bot: str) -> Program:
    """Start a bot with pipes."""
    return start(*RUN, bot, "--store", "sqlite:///a.db", folder=folder)


# Dialogues


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


def test_who_and_where_may_be_given(talk: Talk) -> None:
    """`--user` and `--chat` are what `:as` and `:in` begin with."""
    talk(":as bob\n:in room\nhi\n")
    assert talk("again\n", "--user", "bob", "--chat", "room") == echo("again", "hi")


def test_an_output_that_cannot_show_a_character_shows_another(talk: Talk) -> None:
    """A terminal of ASCII is no reason to fail."""
    assert talk("grüße 😀\n", PYTHONIOENCODING="ascii") == echo("gr??e ?")


def test_a_character_in_two_pieces_is_one(tmp_path: Path) -> None:
    """A read that ends inside a character waits for its rest."""
    emoji = "😀".encode()
    with begun(tmp_path, "history-echo") as process:
        process.stdin.write(b"hi\n" + emoji[:2])
        assert process.stdout.readline() == b"Current message: hi\n"
        process.stdin.write(emoji[2:] + b"\n")
        process.stdin.close()
        out = process.stdout.read()
    assert out.decode() == f"{NONE}\n{echo('😀', 'hi')}"


def test_replies_that_nobody_reads_end_it(tmp_path: Path) -> None:
    """As in `chatstate run ... | head -1`: it does not go on reading, and says so."""
    with begun(tmp_path, "history-echo") as process:
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
    with begun(tmp_path, "blocks.py") as process:
        process.stdin.write(b"hi\nnot read\n")
        assert process.stdout.readline() == b"began\n"
        process.send_signal(number)
        blocking_bot.write_text("")
        assert process.stdout.read() == b"done hi 0\n"
        assert process.wait() == 0


def test_told_twice_it_leaves_at_once(tmp_path: Path, blocking_bot: Path) -> None:
    """A handler that hangs is left behind, and its message is handled by the next run."""
    with begun(tmp_path, "blocks.py") as process:
        process.stdin.write(b"hi\n")
        assert process.stdout.readline() == b"began\n"
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    with begun(tmp_path, "blocks.py") as process:
        process.stdin.close()
        assert process.stdout.readline() == b"began\n"
        blocking_bot.write_text("")
        assert process.stdout.read() == b"done hi 0\n"
        assert process.wait() == 0


# At a terminal

NOISY = """\
import logging, sys
from chatstate import Interface

bot = Interface(id="noisy")

@bot.on_message
def speak(text: str) -> str:
    print("printed", text)
    print("partly", end="", file=sys.stderr)
    print(", then whole", file=sys.stderr)
    logging.getLogger("noisy").warning("logged %s", text)
    return f"answered {text}"
"""

Start = Callable[..., "Process"]


class Process:
    """The command line at a pseudo-terminal, which is its own, so that it gets Ctrl-C."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.terminal = Terminal()
        self.modes = self.terminal.modes
        self._process = start(
            *(*RUN, *arguments, "--store", "sqlite:///a.db"),
            folder=folder,
            stdin=self.terminal.slave,
            stdout=self.terminal.slave,
            stderr=self.terminal.slave,
            env={"TERM": "xterm-256color", "XDG_STATE_HOME": str(folder / "state")},
            terminal=True,
        )

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def end(self) -> int:
        """Return the status. The terminal is as it was found."""
        status = await asyncio.to_thread(self._process.wait)
        assert self.terminal.modes == self.modes
        await self.terminal.until(lambda: self.terminal.typed == "")
        return status

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self.terminal.close()


@pytest_asyncio.fixture
async def at_terminal(tmp_path: Path) -> AsyncIterator[Start]:
    """Return what runs a bot at a terminal."""
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        started.append(Process(tmp_path, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.close()


def since_the_start(process: Process) -> list[str]:
    """Return the rows below the welcome."""
    rows = process.terminal.rows
    return rows[rows.index("Ctrl-D leaves, :help says more.") + 1 :]


async def test_a_dialogue_at_a_terminal(at_terminal: Start) -> None:
    """What is said and what is answered stand below each other."""
    terminal = at_terminal("history-echo", "--user", "bob", "--chat", "room").terminal
    await terminal.enter("hi")
    await terminal.shows("bob@room> hi", "» Current message: hi", f"  {NONE}", "bob@room>")


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["Ctrl-C", "Ctrl-D"])
async def test_a_key_leaves(at_terminal: Start, key: str) -> None:
    """With status 0; the terminal is as it was, and the prompt is gone."""
    process = at_terminal("history-echo")
    await process.terminal.enter("hi")
    await process.terminal.shows(f"  {NONE}", "user@console>")
    process.terminal.type(key)
    assert await process.end() == 0
    assert since_the_start(process) == ["user@console> hi", "» Current message: hi", f"  {NONE}"]


async def test_quit_leaves(at_terminal: Start) -> None:
    """As the keys do."""
    process = at_terminal("history-echo")
    await process.terminal.enter(":quit")
    assert await process.end() == 0
    assert since_the_start(process) == ["user@console> :quit"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_at_the_prompt_stops_it(at_terminal: Start, number: signal.Signals) -> None:
    """With status 0, whatever was being typed; the terminal is as it was."""
    process = at_terminal("history-echo")
    process.terminal.type("half a li")
    await process.terminal.until(lambda: process.terminal.typed == "user@console> half a li")
    process.send(number)
    assert await process.end() == 0


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["Ctrl-C", "Ctrl-D"])
async def test_what_runs_is_answered_before_it_ends(
    at_terminal: Start, blocking_bot: Path, key: str
) -> None:
    """The console says that it waits, and prints the answer without a prompt."""
    process = at_terminal("blocks.py")
    await process.terminal.enter("hi")
    await process.terminal.shows("began", "user@console>")
    process.terminal.type(key)
    await process.terminal.shows("began", "[waiting for what still runs; Ctrl-C stops it]")
    assert process.terminal.modes == process.modes
    await asyncio.to_thread(blocking_bot.write_text, "")
    assert await process.end() == 0
    assert process.terminal.rows[-1] == "» done hi 0"


STREAMS = """\
import asyncio
from chatstate import Interface

bot = Interface(id="streams")

@bot.on_message
async def stream(text: str):
    yield "Once upon a time"
    await asyncio.get_running_loop().create_future()
"""


async def test_ctrl_c_ends_a_stream_then_the_program(at_terminal: Start, tmp_path: Path) -> None:
    """One goes on, and leaves when one likes."""
    (tmp_path / "streams.py").write_text(STREAMS)
    process = at_terminal("streams.py")
    await process.terminal.enter("hi")
    await process.terminal.shows("» Once upon a time", "user@console>")
    process.terminal.type(CTRL_C)
    await process.terminal.shows("» Once upon a time", "» (interrupted)", "user@console>")
    process.terminal.type(CTRL_C)
    assert await process.end() == 0
    assert process.terminal.rows[-1] == "» (interrupted)"


@pytest.mark.usefixtures("blocking_bot")
async def test_ctrl_c_twice_leaves_at_once(at_terminal: Start) -> None:
    """What runs is left for the next start."""
    process = at_terminal("blocks.py")
    await process.terminal.enter("hi")
    await process.terminal.shows("began", "user@console>")
    process.terminal.type(CTRL_C)
    await process.terminal.shows("[waiting for what still runs; Ctrl-C stops it]")
    process.terminal.type(CTRL_C)
    assert await process.end() == 0


async def test_what_a_handler_prints_and_logs_goes_above_the_prompt(
    at_terminal: Start, tmp_path: Path
) -> None:
    """What is being typed is not disturbed by it; what the bot says has a mark, that has none."""
    (tmp_path / "noisy.py").write_text(NOISY)
    terminal = at_terminal("noisy.py").terminal
    await terminal.until(lambda: terminal.typed)
    terminal.type("hi" + ENTER + "typed")
    await terminal.shows(
        "user@console> hi",
        "printed hi",
        "partly, then whole",
        "WARNING noisy: logged hi  [conversation=1 turn=1 adapter=console:local]",
        "» answered hi",
        "user@console> typed",
    )


async def test_the_console_shows_what_its_page_shows(at_terminal: Start, tmp_path: Path) -> None:
    """The bot on the page answers as the dialogue below it does, to what is typed there."""
    page = PAGE.read_text()
    found = re.search(
        r"```python\n(.*?)```\n\n```\n\$ chatstate run (.*?)\n(.*?)```", page, re.DOTALL
    )
    assert found
    bot, arguments, dialogue = found.groups()
    (tmp_path / "lunch.py").write_text(bot)
    terminal = at_terminal(*shlex.split(arguments)).terminal
    shown = dialogue.splitlines()
    start = shown.index("Ctrl-D leaves, :help says more.") + 1
    await terminal.shows(*shown[: start - 2])  # below it is where the store is
    for row, line in enumerate(shown):
        if typed := re.match(r"\w+@#team> (.*)", line):
            await terminal.shows(*shown[start - 1 : row], line.removesuffix(f" {typed[1]}"))
            await terminal.enter(typed[1])
    await terminal.shows(*shown[start - 1 :], "bob@#team>")


RELOADED = """\
from chatstate import Interface, State

def count(text: str, seen: int) -> tuple[str, int]:
    return f"WORD {text} {seen}", seen + 1

bot = Interface(count, inputs=["text", State(0)], outputs=["text", "state"], id="reloaded")
"""


async def test_a_conversation_goes_on_when_the_code_has_changed(
    at_terminal: Start, tmp_path: Path
) -> None:
    """Who speaks, what is typed and what is remembered stay; what cannot run is run when it can."""
    bot = tmp_path / "reloaded.py"
    bot.write_text(RELOADED)
    process = at_terminal("reloaded.py", "--reload")
    terminal = process.terminal
    await terminal.until(lambda: terminal.typed)
    await terminal.enter(":as bob")
    await terminal.enter("hi")
    await terminal.shows("bob@console> hi", "» WORD hi 0", "bob@console>")
    terminal.type("again")
    await terminal.until(lambda: terminal.typed == "bob@console> again")
    bot.write_text(RELOADED.replace("WORD", "new"))
    await terminal.shows("[changed: reloaded.py]", "[the bot runs again]", "bob@console> again")
    terminal.type(ENTER)
    await terminal.shows("bob@console> again", "» new again 1", "bob@console>")
    bot.write_text("def broken(:")
    await terminal.shows("[it runs again when its code has changed; Ctrl-C ends this]")
    bot.write_text(RELOADED.replace("WORD", "mended"))
    await terminal.shows("[changed: reloaded.py]", "[the bot runs again]", "bob@console>")
    await terminal.enter("yes")
    await terminal.shows("bob@console> yes", "» mended yes 2", "bob@console>")
    terminal.type(CTRL_D)
    assert await process.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_while_nothing_runs(
    at_terminal: Start, tmp_path: Path, number: signal.Signals
) -> None:
    """A bot that cannot be run is waited for until then."""
    (tmp_path / "reloaded.py").write_text("def broken(:")
    process = at_terminal("reloaded.py", "--reload")
    await process.terminal.shows("[it runs again when its code has changed; Ctrl-C ends this]")
    process.send(number)
    assert await process.end() == 2


def test_a_terminal_that_is_gone_ends_it(tmp_path: Path) -> None:
    """A window that was closed is the end of the input, if nothing else tells of it."""
    master, slave = os.openpty()
    process = start(
        *(*RUN, "history-echo", "--store", ":memory:"),
        folder=tmp_path,
        stdin=slave,
        stdout=slave,
        env={"TERM": "xterm", "XDG_STATE_HOME": str(tmp_path)},
    )
    with process:
        os.close(slave)
        while b"> " not in os.read(master, 4096):
            pass
        os.close(master)
        assert process.wait() == 0
        assert process.stderr.read() == b""
