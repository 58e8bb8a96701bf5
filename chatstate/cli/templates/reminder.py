"""A bot that reminds: timers that fire once, whatever becomes of the process meanwhile."""

from datetime import timedelta

from chatstate import Button, Interface, Message, Reply, Turn

bot = Interface(id="reminder", description="I remind you: /remind 10m tea")
HOUR = timedelta(hours=1)


@bot.on_timer
def ring(what: str) -> Reply:
    """Say what somebody is to be reminded of."""
    return Reply(f"⏰ {what}", buttons=[Button("In an hour", command=f"/later {what}")])


@bot.command
def remind(after: timedelta, what: str, turn: Turn) -> str:
    """Remind you, as in /remind 1h30m Call Bob."""
    turn.later(after, ring, what=what)
    return "I will."


@bot.command(hidden=True)
def later(what: str, turn: Turn, message: Message) -> Reply:
    """Put a reminder off; its button does this."""
    turn.later(HOUR, ring, what=what)
    return Reply(f"{what}: in an hour", edit=message.pressed)


@bot.command
async def coming(turn: Turn) -> str:
    """Show what you are to be reminded of."""
    timers = await turn.timers()
    return "\n".join(str(timer.data["what"]) for timer in timers) or "Nothing is to come."


if __name__ == "__main__":
    bot.run("console")
