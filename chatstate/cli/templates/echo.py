"""A bot that repeats what somebody says, and counts it."""

from chatstate import Interface, PerUser, Ref

bot = Interface(id="echo", description="I repeat what you say.")


@bot.on_message
def echo(message: str, count: PerUser[Ref[int]]) -> str:
    """Repeat a message. `count` is each person's own, and is kept over restarts."""
    count.value += 1
    return f"{count.value}. {message}"


@bot.command
def forget(count: PerUser[Ref[int]]) -> str:
    """Count from the beginning."""
    count.value = 0
    return "Forgotten."


if __name__ == "__main__":
    bot.run("console")
