"""history-echo: what you said before, newest first. Session state: each person's own."""

from chatstate import Interface, State


def store_message(message: str, history: list[str]) -> tuple[str, list[str]]:
    """Repeat your message, and what you said before."""
    if history:
        lines = [f"{number}. {text}" for number, text in enumerate(reversed(history), 1)]
        previous = "\n".join(["Previous messages:", *lines])
    else:
        previous = "Previous messages: none"
    return f"Current message: {message}\n{previous}", [*history, message]


bot = Interface(
    store_message,
    inputs=["text", State([])],
    outputs=["text", "state"],
    id="history-echo",
)

if __name__ == "__main__":
    bot.run("console")
