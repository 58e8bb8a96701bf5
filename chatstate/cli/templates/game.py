"""A game: guess my number. Everybody plays alone, and the best are known to all."""

from dataclasses import dataclass

from chatstate import Button, Global, Interface, Message, PerMember, Reply, Turn, UserError

bot = Interface(id="game", description="Guess my number. /play begins.")
AGAIN = Button("Play again", command="/play")


@dataclass
class Game:
    """What somebody plays: my number, 0 if there is none, and how often it was guessed."""

    number: int = 0
    guesses: int = 0


@bot.command
def play(turn: Turn, game: PerMember[Game]) -> str:
    """Begin a game."""
    game.number, game.guesses = turn.random.randint(1, 100), 0
    return "I think of a number from 1 to 100. Which is it?"


@bot.on_message
def guess(message: Message, game: PerMember[Game], best: Global[dict[str, int]]) -> str | Reply:
    """Tell whether a guess is right."""
    if not game.number:
        return Reply("Shall we play?", buttons=[Button("Play", command="/play")])
    if not message.text.isdecimal():
        raise UserError("Send a number from 1 to 100.")
    game.guesses += 1
    guessed = int(message.text)
    if guessed != game.number:
        return "Higher!" if guessed < game.number else "Lower!"
    name, guesses = message.sender.name, game.guesses
    best[name] = min(guesses, best.get(name, guesses))
    game.number = 0
    return Reply(f"{guessed} it is! Guesses: {guesses}", buttons=[AGAIN])


@bot.command
def top(best: Global[dict[str, int]]) -> str:
    """Show the best three."""
    first = sorted(best.items(), key=lambda entry: entry[1])[:3]
    return "\n".join(f"{name}: {guesses}" for name, guesses in first) or "Nobody has won yet."


if __name__ == "__main__":
    bot.run("console")
