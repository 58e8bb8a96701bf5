"""Transcripts: read, played, and compared with what the bot did."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import pytest

from chatstate import (
    Arg,
    Button,
    Clock,
    Delete,
    Global,
    Interface,
    Message,
    MessageRef,
    PerMember,
    React,
    Ref,
    Reply,
    Select,
    Turn,
    User,
)
from chatstate.testing.transcripts import check
from chatstate.testing.transcripts.comparing import Outcome
from chatstate.testing.transcripts.reading import TranscriptError
from chatstate.testing.transcripts.script import FAULTS, VERBS
from chatstate.testing.virtual.store import MOMENTS
from chatstate_bots import history_echo


def make_bot() -> Interface:  # noqa: C901 - a handler for all that transcripts tell
    """Return a bot that does something of all that transcripts tell."""
    bot = Interface(id="talks")
    loaded: list[str] = []

    @bot.command
    def ask() -> Reply:
        return Reply("Sure?", buttons=[Button("Yes", command="/yes"), Button("No")])

    @bot.command
    def yes() -> str:
        return "Good."

    @bot.command
    def colours() -> Reply:
        return Reply("Which?", select=Select(["Red", "Blue"], max_values=2))

    @bot.command
    async def tell(whom: Annotated[User, Arg], turn: Turn) -> str:
        await turn.send("You are told.", to=whom)
        return "Done."

    @bot.command(allow="admins")
    def close() -> str:
        return "Closed."

    @bot.on_timer
    def wake() -> str:
        return "Wake up."

    @bot.command
    def remind(turn: Turn) -> str:
        turn.later(timedelta(minutes=1), wake)
        return "I will."

    @bot.command
    async def slow(clock: Clock) -> str:
        await clock.sleep(30)
        return "At last."

    @bot.command
    def hour(clock: Clock) -> str:
        return f"{clock.time() % 86400 / 3600:g}"

    @bot.command
    def when(message: Message) -> str:
        return f"{message.time.hour}" if message.time else "never"

    @bot.command
    def loads() -> str:
        loaded.append("")
        return f"{len(loaded)} since it was loaded"

    @bot.on_edit
    def edited(message: Message) -> list[Reply | React]:
        return [Reply("I saw that."), React("👀")]

    @bot.on_reaction
    def reacted(message: Message) -> Reply | Delete:
        target = message.reaction.target if message.reaction else MessageRef("")
        return Delete(target)

    @bot.on_message
    def say(message: Message, said: PerMember[list[str]], everybody: Global[Ref[int]]) -> str:
        said.append(message.text)
        everybody.value += 1
        files = [file.name for file in message.attachments]
        return "\n".join([f"{message.sender.name} {len(said)}", *files])

    return bot


TALK = """\
# What somebody says, in several lines
alice: one

  three
bot: alice 1
alice in tea: hi
bot: alice 1
bob in tea/green: hi
bot: bob 1
bob in /red: hi
bot: bob 1
alice in tea: /tell @bob
bot to bob: ...
bot: Done.
alice: \\[not a button]
bot: alice ...
alice: [No]
# it has not been asked yet

alice: /ask
bot: Sure?
  [Yes] [No]
alice: [Yes]
bot: Good.
alice: /colours
bot: Which?
  [Red] [Blue]
alice: [Red] [Blue]
bot: alice 3
alice: look
  <a.txt>
bot: alice 4
  a.txt
bob in tea: /close
bot: ...
bob in tea is admin
bob in tea: /close
bot: Closed.
bob edits: hi there
bot: I saw that.
bot reacts: 👀
bob reacts: 👍
bot deletes: I saw that.
alice in /red: /remind
bot: I will.
alice: /loads
bot: 1 since it was loaded
+ 1m 1s
bot to alice/red: Wake up.
alice: /slow
+ 29s
+ 1s
bot: At last.
alice: hi
& bob in tea: hi
& alice: /hour
bot: alice 5
bot in tea: bob 1
bot: 12...
! reject
alice: hi
bot: alice 6
! late 1h
alice: /when
bot: 11
! clock +1h
alice: /hour
bot: 13...
! clock 2026-01-31 09:00
alice: /hour
bot: 9...
alice: /loads
...
! state
= everybody: 10
= said of alice: ...
= said of alice in tea: ["hi"]
= said of bob in /red: ["hi"]
= said of bob in tea/green: ["hi"]
= said of bob in tea: ["hi"]
# the end
"""


def checked(folder: Path, text: str) -> Outcome:
    (folder / "a.txt").write_text("a file")
    path = folder / "talk.chat"
    path.write_text(text)
    return check(path, make_bot(), make_bot)


def test_what_the_bot_did_is_what_the_transcript_says(tmp_path: Path) -> None:
    """Rooms, threads, presses, choices, files, mentions, edits, reactions, time, state."""
    made = checked(tmp_path, TALK.replace("alice: [No]\n# it has not been asked yet\n", ""))
    assert made.difference().splitlines()[1:] == []
    assert made.is_as_expected


def test_what_cannot_be_pressed_is_a_problem_of_its_line(tmp_path: Path) -> None:
    """It is told by file and line, and the rest is played all the same."""
    made = checked(tmp_path, TALK)
    assert made.problems == [f"{tmp_path}/talk.chat:17: nothing there shows [No]"]
    assert made.text == TALK


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        ("alice: hi\nbot: alice 1\nbot: alice 2\n", "alice: hi\nbot: alice 1\n"),
        ("alice: hi\n", "alice: hi\nbot: alice 1\n"),
        ("alice: hi\nbot: bob...\n# so\n", "alice: hi\nbot: alice 1\n# so\n"),
        (
            "alice in x: /tell @bob\nbot: Done.\nbob: hi\nbot: bob 2\n",
            "alice in x: /tell @bob\nbot: Done.\nbot to bob: You are told.\nbob: hi\nbot: bob 1\n",
        ),
        ("alice: /loads\n...\n! restart\nalice: /loads\nbot: 2 ...\n", None),
        ("! state\n= everybody: 1\n", "! state\n"),
    ],
)
def test_what_differs_is_written_anew(talk: str, told: str | None, tmp_path: Path) -> None:
    """What was not said is left out, what was said is put in, and comments stay."""
    made = checked(tmp_path, talk)
    assert not made.is_as_expected
    assert made.text == (told or talk.replace("2 ...", "1 since it was loaded"))
    assert checked(tmp_path, made.text).is_as_expected


def test_the_page_tells_of_all_that_can_be_written(tmp_path: Path) -> None:
    """Its transcript is as the bot does, and its grammar has all words."""
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    (talk,) = re.findall(r"```text\n(# what.*?)```", page, re.DOTALL)
    (grammar,) = re.findall(r"```text\n(transcript = .*?)```", page, re.DOTALL)
    (tmp_path / "hello.chat").write_text(talk)
    assert check(tmp_path / "hello.chat", history_echo.bot).is_as_expected
    words = {*VERBS, *FAULTS, *MOMENTS} - {"says"}
    assert [word for word in words if f'{word}"' not in grammar] == []


@pytest.mark.parametrize("moment", ["arrival", "commit", "reply", "sent"])
def test_a_crash_in_the_middle_changes_nothing(moment: str, tmp_path: Path) -> None:
    """Nor do repeated deliveries, refused calls and lost answers: they can be written down."""
    faults = f"! refuse\n! crash at {moment}\nalice: hi\nbot: alice 2\n! repeat\n! lose\n"
    end = "alice: hi\nbot: alice 3\n! crash\nalice: hi\nbot: alice 4\n"
    made = checked(tmp_path, f"alice: hi\nbot: alice 1\n{faults}{end}")
    assert made.is_as_expected, made.difference()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("bot: hi", "the bot says something only after somebody else does"),
        ("  hi", "nothing stands above it that it could continue"),
        ("alice", "write `alice: what she says`, or `alice joins`"),
        ("alice joins: tea", "write `alice: what she says`, or `alice joins`"),
        ("alice deletes: hi", "only the bot deletes"),
        ("alice to bob: hi", "people speak `in` a room"),
        ("+ soon", "write a time as `+ 1h 30m`, of d, h, m and s"),
        ("! late soon", "write a time as `+ 1h 30m`, of d, h, m and s"),
        ("! clock soon", "write a time as `! clock 2026-01-31 09:00`; it is UTC"),
        ("! crash at noon", "after `!` stands one of bot, clock, late, state, crash"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(line: str, told: str, tmp_path: Path) -> None:
    """File, line, and what is possible there."""
    with pytest.raises(TranscriptError) as raised:
        checked(tmp_path, f"# a comment\n{line}\n")
    assert str(raised.value).startswith(f"{tmp_path}/talk.chat:2: {told}")
