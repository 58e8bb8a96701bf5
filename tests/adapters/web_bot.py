"""The bot of the page's tests in a browser; `python -m chatstate run` takes it by its path."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from chatstate import (
    Button,
    Card,
    File,
    Interface,
    Markdown,
    Message,
    Option,
    PerMember,
    React,
    Reply,
    Select,
    Turn,
)

HOSTILE = """# <script>hit()</script>

<img src=x onerror=hit()> **<b onclick=hit()>bold</b>** `<svg onload=hit()>`
[link](javascript:hit()) [other](https://example.com/"onmouseover="hit()) <iframe src=/>

```"><script>hit()</script>
</code></pre><script>hit()</script>
```

| <script>hit()</script> | b |
|---|---|
| <img src=x onerror=hit()> | c |

> ||<script>hit()</script>||
"""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="hit()"><script>hit()</script></svg>'

bot = Interface(id="page", title="Tea <b>house</b>", description="Everything about tea")
form = Interface(
    lambda name, size: f"{name}: {size}", ["text", "number"], "text", id="form", title="Orders"
)


@bot.command
def menu() -> Reply:
    """See what there is."""
    rows = [[Button("Sencha", style="primary"), Button("Off", disabled=True)]]
    return Reply(
        "What would you like?", buttons=[*rows, [Button("Web", url="https://example.com")]]
    )


@bot.command
def extras() -> Reply:
    """Choose what goes with it."""
    options = [Option("Honey", description="from the garden"), Option("Lemon"), Option("Milk")]
    return Reply("Extras?", select=Select(options, min_values=1, max_values=2))


@bot.command
def hostile() -> list[Reply]:
    """Be shown what would do harm."""
    files = [File(SVG, "onerror=hit() .svg", "image/svg+xml"), File(SVG, "x.html", "text/html")]
    card = Card(title="<script>hit()</script>", fields={"<i>": "<b>"}, footer="<script>")
    return [
        Reply(Markdown(HOSTILE), buttons=[Button("<img src=x onerror=hit()>")]),
        Reply(card=card, files=files, suggestions=["<script>hit()</script>"]),
    ]


@bot.on_reaction
def reacted(message: Message) -> str | None:
    assert message.reaction
    return f"you reacted {''.join(message.reaction.added)}" if message.reaction.added else None


@bot.on_edit
def edited(text: str) -> str:
    return f"you meant {text}"


@bot.on_message
async def answer(message: Message, turn: Turn, said: PerMember[list[str]]) -> AsyncIterator[Any]:
    said.append(message.text)
    if message.text == "fail" and "mended" not in said:
        raise RuntimeError("it fails")
    if message.pressed:
        yield f"You chose {message.text}"
    elif message.attachments:
        file = await turn.download(message.attachments[0])
        yield Reply(f"Got {file.name}: {file.read().decode()}", files=[File(b"back", "back.txt")])
    elif message.text == "nice":
        yield [React("❤️"), Reply("thanks", suggestions=["again", "/menu"])]
    elif message.text == "slow":
        for number in range(1, 26):
            yield Markdown("".join(f"word {n} " for n in range(number)) + "\n\n**and on**")
            await asyncio.sleep(0.05)
        yield Markdown("**the end** of it")
    else:
        yield f"{len(said)}: {' '.join(said)}"
