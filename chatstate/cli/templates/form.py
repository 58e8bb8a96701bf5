"""A bot that asks: an order for a T-shirt. Its questions wait for their answers, for days."""

from dataclasses import dataclass

from chatstate import Global, Interface, PerUser, Turn

bot = Interface(id="form", description="I take orders for T-shirts. /order begins.")
SIZES = ["S", "M", "L"]
MOST = 9


@dataclass
class Order:
    """What somebody has ordered."""

    size: str = ""
    count: int = 0


@bot.command
async def order(turn: Turn, mine: PerUser[Order], ordered: Global[dict[str, int]]) -> str:
    """Order T-shirts."""
    size = await turn.ask("Which size?", choices=SIZES, key="size")
    count = await turn.ask(
        "How many?",
        type=int,
        key="count",
        check=lambda n: 0 < n <= MOST or f"From 1 to {MOST}, please.",
    )
    if not await turn.confirm(f"{count} in size {size}: shall I order?", key="sure"):
        return "Then not."
    mine.size, mine.count = size, count
    ordered[size] = ordered.get(size, 0) + count
    return "It is on its way."


@bot.on_message
def show(_message: str, mine: PerUser[Order]) -> str:
    """Show what somebody has ordered."""
    return f"You have {mine.count} in size {mine.size}." if mine.count else "/order begins."


if __name__ == "__main__":
    bot.run("console")
