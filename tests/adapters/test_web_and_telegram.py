"""A page and Telegram in one process, as the command line runs them."""

from pathlib import Path

from adapters.both_platforms import converse

BOT = """from chatstate import Global, Interface, PerMember, Ref

bot = Interface(id="both")


@bot.on_message
def count(message: str, mine: PerMember[Ref[int]], all_of_us: Global[Ref[int]]) -> str:
    mine.value += 1
    all_of_us.value += 1
    return f"{message}: {mine.value} of {all_of_us.value}"
"""


async def test_a_conversation_on_both(tmp_path: Path) -> None:
    """Each person has state of their own, and shares what is everybody's."""
    app = tmp_path / "app.py"
    app.write_text(BOT)
    shown, told = await converse(app, tmp_path)
    assert shown == ["page 1", "page 1: 1 of 1", "page 2", "page 2: 2 of 3"]
    assert told == ["chat 1: 1 of 2", "chat 2: 2 of 4"]
