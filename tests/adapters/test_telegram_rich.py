"""Texts with tables on Telegram: rich messages, if they are wanted and the server has them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from adapters.telegram_host import adapter_on
from adapters.test_telegram_queries import running, texts
from servers.telegram_model import Chat, Json, Person
from servers.telegram_rich import blocks_of
from servers.telegram_server import TelegramServer

from chatstate import Button, Interface, Markdown, Message, Reply
from chatstate.markup import parse
from chatstate_telegram.send.rich import rich

TEAS = """# Teas

**Fresh** & <new>:

| Tea | Price |
|:----|------:|
| Mint | 50 |
| Sage |

> from *Crete*

```sh
a < b
```
"""


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as telegram:
        yield telegram
    assert telegram.violations == []


@pytest.fixture
def alice(server: TelegramServer) -> Person:
    return server.person(1001, "Alice", "alice")


@pytest.fixture
def chat(server: TelegramServer, alice: Person) -> Chat:
    return server.private_chat(alice)


def teas() -> Interface:
    """Return a bot that shows a table, and changes it when a button is pressed."""
    bot = Interface(id="teas")

    @bot.on_message
    def show(message: Message) -> Reply:
        table = TEAS.replace("50", "60") if message.pressed else TEAS
        return Reply(Markdown(table), [Button("Dearer")], edit=message.pressed)

    return bot


def cells(server: TelegramServer, chat: Chat) -> list[list[str]]:
    blocks: list[Json] = server.messages(chat)[-1].raw["rich_message"]["blocks"]
    (table,) = [block for block in blocks if block["type"] == "table"]
    return [[cell["text"] for cell in row] for row in table["cells"]]


async def test_a_table_is_a_rich_message(
    server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """With its buttons, and edited as one; its words are in no way markup."""
    async with running(server, teas(), tmp_path, rich=True):
        server.say(alice, chat, "teas?")
        await server.wait_for(lambda: server.messages(chat))
        assert cells(server, chat) == [["Tea", "Price"], ["Mint", "50"], ["Sage"]]
        assert texts(server, chat) == ["Teas\nFresh & <new>:\nfrom Crete\na < b"]
        server.press(alice, server.messages(chat)[0], "Dearer")
        await server.wait_for(lambda: server.messages(chat)[0].edits)
        assert cells(server, chat)[1] == ["Mint", "60"]


@pytest.mark.parametrize(("status", "wanted"), [(404, True), (400, True), (200, False)])
async def test_else_it_is_laid_out_as_text(
    status: int, wanted: bool, server: TelegramServer, alice: Person, chat: Chat, tmp_path: Path
) -> None:
    """Where the server lacks the method, and is asked once; where it is refused, or not wanted."""
    server.fail("sendRichMessage", status, "Not Found: method not found", times=float("inf"))
    async with running(server, teas(), tmp_path, rich=wanted):
        for number in (1, 2):
            server.say(alice, chat, "teas?")
            await server.wait_for(lambda: len(server.messages(chat)) == number)  # noqa: B023 - it is awaited
    assert "Tea  | Price\n-----+------\nMint |    50" in texts(server, chat)[0]
    asked = len(server.called("sendRichMessage"))
    assert asked == (0 if not wanted else 1 if status == 404 else 2)


def test_what_has_no_table_is_no_rich_message() -> None:
    """A usual one shows it as well, in any app. Nor is what is too large for one."""
    assert rich(parse("# Title\n\n**bold**")) is None
    wide = "|" + "a|" * 21 + "\n|" + "-|" * 21 + "\n|" + "b|" * 21
    assert rich(parse(wide)) is None
    assert rich(parse("|a|\n|-|\n" + "|b|\n" * 500)) is None


def test_a_table_that_is_cut_is_laid_out() -> None:
    """Its cells are those of the whole."""
    text = parse(TEAS)
    table = next(span for span in text.spans if span.kind == "table")
    assert rich(text.cut(table.start, table.end)) is not None
    assert rich(text.cut(0, table.end - 1)) is None
    assert rich(text.cut(table.start + 1, table.end)) is None


@pytest.mark.parametrize(
    "words",
    [
        "`a` **b *c* ~~d~~** ||e|| <u>f</u> [g](https://example.com/?a=1&b=2)",
        "\"quoted\" & 'so' <b>not bold</b> &amp;",
        "- item\n- [x] done\n  more",
    ],
)
def test_what_is_written_is_well_formed(words: str) -> None:
    """Whatever stands beside a table, and in its cells."""
    shown = rich(parse(f"{words}\n\n|a|b|\n|-|-|\n|<i>|{words.split(maxsplit=1)[0]}|"))
    assert shown is not None
    *_, table = blocks_of({"html": shown})
    assert [cell["text"] for cell in table["cells"][1]][:1] == ["<i>"]


async def test_rich_messages_are_an_option() -> None:
    """Off: apps of before 2026 show a placeholder."""
    async with TelegramServer() as server:
        assert not adapter_on(server).options.rich
