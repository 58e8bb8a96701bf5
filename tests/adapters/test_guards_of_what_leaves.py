"""What guards of a bot (`@bot.egress`) let leave, as real platforms get it."""

from pathlib import Path

from adapters.test_telegram_conversations import talk
from adapters.test_web_tools import ADA, calling
from adapters.web_page import TOKEN, on, visiting
from adapters.web_signed import Sender, keys_in, texts

from chatstate import Interface, Markdown, Outgoing
from chatstate.testing import MemoryStore
from chatstate_web import WebAdapter

SECRET = "hunter22"  # noqa: S105 - nobody's


def telling() -> Interface:
    """Return a bot that tells secrets, with a guard that hides them, or stops what shouts."""
    bot = Interface(id="telling", title=f"The {SECRET} bot")

    @bot.command(tool=True, description=f"Tell {SECRET}.")
    def tell(times: int = 1) -> Markdown:
        return Markdown(f"**{SECRET[:4]}**{SECRET[4:]} " * times)

    @bot.on_message
    def echo(text: str) -> str:
        return f"{text} {SECRET}"

    @bot.egress
    def hide(out: Outgoing) -> Outgoing | None:
        return None if "SHOUT" in out.words else out.map(lambda text: text.replace(SECRET, "•" * 8))

    return bot


async def test_telegram_gets_what_may_leave(tmp_path: Path) -> None:
    """Marks are where the words are, a long text is looked at whole, and so is the menu."""
    async with talk(telling(), ("polling", "private"), tmp_path) as person:
        (said,) = await person.say("/tell")
        assert said.text == "••••••••"
        assert [entity["type"] for entity in said.entities] == ["bold"]
        many = await person.say("/tell 600", 2)
        assert {letter for message in many for letter in message.text} == {"•", " "}
        (stopped,) = await person.say("SHOUT")
        assert stopped.text == "Sorry, I cannot say that. Nothing was changed."
        asked = repr(person.server.calls)
        assert "Tell ••••••••." in asked
        assert SECRET not in asked


async def test_the_page_and_its_doors_get_what_may_leave(tmp_path: Path) -> None:
    """Its history, what an event is answered, a tool, and what the bot says of itself."""
    told: list[str] = []
    adapter = WebAdapter(listen="127.0.0.1:0", page_token=TOKEN, keys=keys_in(tmp_path))
    async with on(telling(), adapter, MemoryStore(), told=told.append) as page:
        ci = Sender(page.app)
        assert texts(await ci.post("1", "hi")) == ["hi ••••••••"]
        assert texts(await ci.post("2", "SHOUT")) == [
            "Sorry, I cannot say that. Nothing was changed."
        ]
        async with calling(told[0].partition("#")[0], ADA) as ada:
            assert SECRET not in repr(await ada.list_tools())
            assert "••••••••" in repr(await ada.call_tool("tell", {}))
        async with visiting(page.app, "10.0.0.1") as (visitor,):
            assert await visitor.enter() < 400
            await visitor.say("hi")
            shown = await visitor.until(2)
            assert shown[1]["body"]["text"] == "hi ••••••••"
            assert SECRET not in repr([shown, await visitor.session()])
