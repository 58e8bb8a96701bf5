"""A bot with what Telegram can show: commands, buttons, files, Markdown, streams."""

import asyncio
from collections.abc import AsyncIterator

from chatstate import Button, File, Interface, Markdown, PerThread, Ref, Reply, Turn

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
    "000000050001a5f645400000000049454e44ae426082"
)

bot = Interface(id="show")


@bot.command
async def vote(choice: str, votes: PerThread[list[str]]) -> Reply:
    """Vote for something."""
    votes.append(choice)
    buttons = [Button("More", command="/vote more"), Button("Enough")]
    return Reply(f"Votes: {', '.join(votes)}", buttons=buttons)


@bot.command
async def text() -> Markdown:
    """Show a text with markup."""
    return Markdown("# Title\n\nSome **strong** words and `code`.\n\n- first\n- second")


@bot.command
async def files() -> Reply:
    """Send a picture and two files."""
    notes = [File(f"note {number}".encode(), f"{number}.txt") for number in (1, 2)]
    return Reply("Here:", files=[File(PNG, "dot.png"), *notes])


@bot.command
async def count() -> AsyncIterator[str]:
    """Count, while you look."""
    shown = ""
    for word in ("one", "two", "three"):
        shown = f"{shown} {word}".strip()
        yield shown
        await asyncio.sleep(0.7)


@bot.on_message
async def other(message: str, turn: Turn, said: PerThread[Ref[int]]) -> str:
    """Answer what is said, pressed or sent."""
    said.value += 1
    names = []
    for attachment in turn.message.attachments:
        file = await turn.download(attachment)
        names.append(f"{file.name} ({len(file.read())} bytes)")
    told = f" with {', '.join(names)}" if names else ""
    return f"{turn.message.kind} {said.value}: {message}{told}"
