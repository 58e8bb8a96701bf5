"""score-tracker: the three best scores of everybody. Global state: one list for all."""

from chatstate import Interface, State

scores = State([], scope="global", name="scores")


def track_score(score: float, best: list[int | float]) -> tuple[str, list[int | float]]:
    """Send a score; see the best three of everybody's."""
    best = sorted([*best, score], reverse=True)[:3]
    return f"Top scores: {', '.join(map(str, best))}", best


bot = Interface(
    track_score,
    inputs=["number", scores],
    outputs=["text", scores],
    id="score-tracker",
)

if __name__ == "__main__":
    bot.run("console")
