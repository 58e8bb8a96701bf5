"""The scene as an SVG: four panels, each as its place looks."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from picture.scene import Cell, Said

WIDTH, HEIGHT, GAP = 470, 290, 20
SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace"
COLOURS = {"default": "#d8dee9", "cyan": "#88c0d0", "magenta": "#d08ccf"}
LETTER = 8.4
"""About how wide a letter is, at 13 px."""


def svg(scene: dict[str, Any]) -> str:
    """Return the picture."""
    panels = [
        panel("chatstate run bot.py", "#23272e", "#9aa4b2", console(scene["console"])),
        panel("--on web", "#ffffff", "#5b6570", chat(scene["web"], WEB)),
        panel("--on telegram", "#d5e4ee", "#4b6475", chat(scene["telegram"], TELEGRAM)),
        panel("--on discord", "#313338", "#b5bac1", discord(scene["discord"])),
    ]
    placed = [
        f'<g transform="translate({GAP + number % 2 * (WIDTH + GAP)} '
        f'{GAP + number // 2 * (HEIGHT + GAP)})">{drawn}</g>'
        for number, drawn in enumerate(panels)
    ]
    wide, high = 2 * WIDTH + 3 * GAP, 2 * HEIGHT + 3 * GAP
    title = "One bot at the console, on a page, on Telegram and on Discord"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img" '
    fonts = f'font-family="{SANS}" font-size="13">'
    return "\n".join([head + fonts, f"<title>{title}</title>", *placed, "</svg>\n"])


def badges(told: dict[str, str]) -> str:
    """Return what is told of the project in a row, each with its name before it."""
    x, drawn = 0.0, []
    for name, what in told.items():
        left, right = (len(word) * 6.6 + 14 for word in (name, what))
        drawn += [
            f'<rect x="{x:g}" width="{left + right:g}" height="20" rx="4" fill="#4c5666"/>',
            f'<rect x="{x + left:g}" width="{right:g}" height="20" rx="4" fill="#3f51b5"/>',
            text(x + left / 2, 14, name, "#ffffff", anchor="middle"),
            text(x + left + right / 2, 14, what, "#ffffff", anchor="middle"),
        ]
        x += left + right + 6
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{x:g}" height="20" role="img" '
    title = f"<title>{escape(', '.join(map(' '.join, told.items())))}</title>"
    return "\n".join([f'{head}font-family="{SANS}" font-size="11">', title, *drawn, "</svg>\n"])


def panel(title: str, background: str, colour: str, parts: Iterator[str]) -> str:
    """Return a window with its title, and what is in it."""
    box = f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="{background}" stroke="#8886"/>'
    head = text(16, 24, title, colour, family=MONO)
    line = f'<path d="M0 36H{WIDTH}" stroke="#8884"/>'
    return "\n".join([box, head, line, *parts])


def text(x: float, y: float, words: str, colour: str, *, bold: bool = False, **more: str) -> str:
    """Return a line of text."""
    weight = ' font-weight="700"' if bold else ""
    family = f' font-family="{more["family"]}"' if "family" in more else ""
    anchor = f' text-anchor="{more["anchor"]}"' if "anchor" in more else ""
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{colour}"{weight}{family}{anchor}>{escape(words)}</text>'
    )


def console(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """Yield the rows of a terminal."""
    for number, row in enumerate(rows):
        spans = "".join(map(span, row))
        yield (
            f'<text x="16" y="{60 + 19 * number}" font-family="{MONO}" xml:space="preserve">'
            f"{spans}</text>"
        )


def span(cell: Cell) -> str:
    """Return letters of a terminal."""
    colour = COLOURS.get(cell.colour, COLOURS["default"])
    weight = ' font-weight="700"' if cell.bold else ""
    return f'<tspan fill="{colour}"{weight}>{escape(cell.text)}</tspan>'


class Look:
    """How a chat looks: colours of what is theirs, the bot's, and of buttons."""

    def __init__(self, mine: str, bots: str, ink: str, button: str, label: str) -> None:
        self.mine, self.bots, self.ink, self.button, self.label = mine, bots, ink, button, label


WEB = Look("#d7e5ff", "#eef0f3", "#1d2430", "#ffffff", "#2f5bd7")
TELEGRAM = Look("#e6fdd2", "#ffffff", "#111111", "#7a9db4", "#ffffff")


def chat(said: Sequence[Said], look: Look) -> Iterator[str]:
    """Yield bubbles, the person's to the right, with the buttons of the bot's below them."""
    y = 50.0
    for message in said:
        lines = [line for line in message.text.split("\n") if line]
        wide = max([len(line) for line in lines], default=0) * LETTER + 28
        wide = max(wide, 240) if message.buttons else wide
        high = 12 + 18 * len(lines)
        x = WIDTH - 16 - wide if message.by == "alice" else 16
        colour = look.mine if message.by == "alice" else look.bots
        size = f'width="{wide:g}" height="{high}"'
        yield f'<rect x="{x:g}" y="{y:g}" {size} rx="10" fill="{colour}"/>'
        for number, line in enumerate(lines):
            yield text(
                x + 12, y + 20 + 18 * number, line, look.ink, bold=message.bold and not number
            )
        y += high + 4
        if message.buttons:
            yield from buttons(message.buttons, x, y, wide, look)
            y += 34
        y += 8


def buttons(labels: Sequence[str], x: float, y: float, wide: float, look: Look) -> Iterator[str]:
    """Yield a row of buttons, as wide as what they hang on."""
    each = (wide - 4 * (len(labels) - 1)) / len(labels)
    for number, label in enumerate(labels):
        left = x + number * (each + 4)
        yield (
            f'<rect x="{left:g}" y="{y:g}" width="{each:g}" height="28" rx="7" '
            f'fill="{look.button}" stroke="#8884"/>'
        )
        yield text(left + each / 2, y + 18, label, look.label, bold=True, anchor="middle")


def discord(said: Sequence[Said]) -> Iterator[str]:
    """Yield messages below each other, each with who says it."""
    y = 52.0
    before = ""
    for message in said:
        name, colour = ("Alice", "#3ba55c") if message.by == "alice" else ("teaclub", "#5865f2")
        if name != before:
            yield f'<circle cx="34" cy="{y + 14:g}" r="15" fill="{colour}"/>'
            yield text(62, y + 10, name, "#f2f3f5", bold=True)
            if message.by == "bot":
                yield f'<rect x="124" y="{y - 1:g}" width="34" height="15" rx="4" fill="#5865f2"/>'
                yield (
                    f'<text x="141" y="{y + 10:g}" fill="#ffffff" font-size="10" '
                    'text-anchor="middle">APP</text>'
                )
            y += 18
        before = name
        lines = [line for line in message.text.split("\n") if line]
        for number, line in enumerate(lines):
            yield text(62, y + 11, line, "#dbdee1", bold=message.bold and not number)
            y += 18
        if message.buttons:
            grey = Look("", "", "", "#4e5058", "#ffffff")
            yield from buttons(message.buttons, 62, y + 3, 270, grey)
            y += 36
        y += 8
