"""What people do on a page is written down so that playing it does the same."""

import asyncio
from pathlib import Path
from typing import Any

from adapters.web_page import TOKEN, on, visiting

from chatstate import Button, Interface, Message, PerMember, PerUser, Ref, Reply
from chatstate.testing.transcripts import check
from chatstate.testing.transcripts.recording import Recorder
from chatstate_web import WebAdapter

WRITTEN = """\
! bot teahouse

guest speaks: de
guest: /tea green
bot: Cup 1, 1 here: green
  [Again]
guest: [Again]
bot: Cup 2, 2 here: green
  [Again]
guest in /b: hello
bot: hello, to nothing
guest in /b replies: and you?
bot: and you?, to hello, to nothing
guest in /b: /nothing
bot: Den Befehl /nothing gibt es nicht. /help zeigt, was ich kann.
! state
= cups of guest: 2
= here of guest: 2
"""
FORM = [
    "guest: /start",
    "bot: teahouse",
    "bot: Name? (1 of 2; /cancel gives up)",
    "guest: Ada",
    "bot: Size? (2 of 2; /cancel gives up)",
    "guest: 3",
    "bot: Ada: 3",
    "guest: /who",
    "bot: You?",
    "guest: [Ada]",
    "bot: Name: “Ada”",
    "guest: 3",
    "bot: Ada: 3",
]


def teahouse() -> Interface:
    """Return a bot that counts cups, by person and by conversation."""
    bot = Interface(id="teahouse")

    @bot.command
    def tea(kind: str, cups: PerUser[Ref[int]], here: PerMember[Ref[int]]) -> Reply:
        cups.value += 1
        here.value += 1
        again = [Button("Again", command=f"/tea {kind}")]
        return Reply(f"Cup {cups.value}, {here.value} here: {kind}", buttons=again)

    @bot.on_message
    def echo(message: Message) -> str:
        return f"{message.text}, to {message.reply_to.text if message.reply_to else 'nothing'}"

    return bot


async def recorded(
    bot: Interface, done: list[dict[str, Any]], path: Path, language: str = ""
) -> str:
    """Return what is written down of what a guest does, each once the one before is answered.

    What they press, or reply to, is what the bot has said last.
    """
    recorder = Recorder(WebAdapter(listen=None, page_token=TOKEN))
    page: Any = recorder.adapter
    async with on(bot, page), visiting(page.app, "10.0.0.1") as (guest,):
        guest.client.headers["Accept-Language"] = language
        await guest.enter()
        name = (await guest.session())["name"]
        for said in done:
            shown = await guest.shown(said.get("thread", ""))
            if "message" in said:
                said["message"] = shown[-1]["id"]
            if "do" in said:
                said["text"] = shown[-1]["body"]["buttons"][0][0]["data"]
            await guest.say(**{"text": "", **said})
            await guest.until(len(shown) + 2, said.get("thread", ""))
    lines = "".join(f"{line}\n" for line in recorder.lines("teahouse"))
    return await asyncio.to_thread(played, lines.replace(name, "guest"), path, bot)


def played(lines: str, path: Path, bot: Interface) -> str:
    """Return a transcript with what a bot answers in it."""
    path.write_text(lines)
    return check(path, bot).text


async def test_conversations_on_a_page_are_written_down(tmp_path: Path) -> None:
    """Each apart, in the guest's language, with what is pressed and replied to."""
    done: list[dict[str, Any]] = [
        {"text": "/tea green"},
        {"do": "press", "message": ...},
        {"text": "hello", "thread": "b"},
        {"text": "and you?", "message": ..., "thread": "b"},
        {"text": "/nothing", "thread": "b"},
    ]
    assert await recorded(teahouse(), done, tmp_path / "a.chat", "de") == WRITTEN


async def test_a_form_of_a_page_is_written_down_as_its_answers(tmp_path: Path) -> None:
    """So they can be played where questions are asked one after the other."""
    fn, inputs = lambda name, size: f"{name}: {size}", ["text", "number"]
    bot = Interface(fn, inputs, "text", id="teahouse")

    @bot.command
    def who() -> Reply:
        return Reply("You?", buttons=[Button("Ada")])

    answers = {"Name": "Ada", "Size": "3"}
    done: list[dict[str, Any]] = [
        {"text": "/start", "answers": answers},
        {"text": "/who"},
        {"do": "press", "message": ..., "answers": answers},
    ]
    written = (await recorded(bot, done, tmp_path / "a.chat")).split("\n")
    assert [line for line in written if line.startswith(("guest", "bot"))] == FORM
