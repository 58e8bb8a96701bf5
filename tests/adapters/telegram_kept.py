"""A bot whose state tells what it did: for processes that are killed."""

from chatstate import Interface, PerMember

bot = Interface(id="kept")


@bot.on_message
async def keep(message: str, kept: PerMember[list[str]]) -> str:
    """Keep what is said."""
    kept.append(message)
    return f"{len(kept)}: {message}"


@bot.command(name="all")
async def everything(kept: PerMember[list[str]]) -> str:
    """Tell what was kept."""
    return "kept " + " ".join(kept)
