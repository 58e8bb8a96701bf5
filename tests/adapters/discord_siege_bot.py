"""The bot of test_discord_kill.py: it counts what it hears, in the conversation and in all."""

from chatstate import Global, Interface, PerThread

bot = Interface(id="siege")


@bot.on_message
def count(message: str, here: PerThread[list[str]], everywhere: Global[list[str]]) -> str:
    """Reply how often this was said here, and how much was said here before."""
    here.append(message)
    everywhere.append(message)
    return f"{message} {here.count(message)} {len(here)}"


@bot.command
def tell(number: int, here: PerThread[list[str]]) -> str:
    """Count a command."""
    here.append(f"/{number}")
    return f"/{number} {here.count(f'/{number}')}"
