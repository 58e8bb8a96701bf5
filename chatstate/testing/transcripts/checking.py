"""A transcript from its file to what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from chatstate.bot.interface import Interface
from chatstate.testing.transcripts.comparing import Outcome, outcome
from chatstate.testing.transcripts.playing import Played, Player, people_of
from chatstate.testing.transcripts.reading import read
from chatstate.testing.transcripts.script import Transcript
from chatstate.testing.virtual import loop
from chatstate.testing.virtual.client import VirtualClient
from chatstate.testing.virtual.reloading import reloaded


def check(path: Path, bot: Interface, load: Callable[[], Interface] | None = None) -> Outcome:
    """Play the transcript in a file to a bot, and return what became of it.

    `load` loads the bot anew, for what restarts it. Raises `TranscriptError` for what cannot be
    read, with file and line.
    """
    transcript = read(path)
    with reloaded(bot, load) as make:
        return outcome(transcript, loop.run(played(transcript, make)))


def bot_of(path: Path) -> str:
    """Return the bot that a transcript names, "" if it names none. A file is beside it."""
    told = read(path).bot
    file, colon, name = told.partition(":")
    beside = path.parent / file
    return f"{beside}{colon}{name}" if told and beside.is_file() else told


async def played(transcript: Transcript, make: Callable[[], Interface]) -> Sequence[Played]:
    """Play a transcript to a bot that begins anew, in a `VirtualLoop`."""
    async with VirtualClient(make, raise_errors=False) as client:
        player = Player(client, transcript.path.parent, people_of(transcript.steps))
        begun = await player.begin()
        done = await player.play_all(transcript.steps)
        return [replace(done[0], shown=[*begun, *done[0].shown]), *done[1:]] if done else done
