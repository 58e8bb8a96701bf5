"""A `gr.ChatInterface` as a bot: its history, its settings, and what it says."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
from support import texts

from chatstate.testing import TestClient

gr = pytest.importorskip("gradio", reason="the extra gradio is not installed")
IS_FIVE = gr.__version__.startswith("5.")
MESSAGES = ', type="messages"' if IS_FIVE else ""


def told(history: Sequence[Any]) -> list[tuple[str, Any]]:
    """Return who said what in a history of messages."""
    return [(message["role"], message["content"]) for message in history]


def part(text: str) -> Any:
    """Return a text as a message of this version has it."""
    return text if IS_FIVE else [{"text": text, "type": "text"}]


@pytest.fixture
def seen(load: Any) -> Any:
    """Return what loads a chat that notes its history, and that note."""

    def chat(answer: str, options: str = MESSAGES) -> tuple[Any, list[Any]]:
        bot = load(
            f"""
            seen = []
            def fn(message, history):
                seen.append(history)
                return {answer}
            demo = gr.ChatInterface(fn{options})
            """
        )
        return bot, module(bot).seen

    return chat


def module(bot: Any) -> Any:
    import sys

    return sys.modules[bot.id]


async def test_the_history_is_as_gradio_gives_it(seen: Any) -> None:
    """In the form of its version, each person's own, also behind a restart."""
    bot, histories = seen("message.upper()")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["A"]
        await client.user("bob").say("x")
        await client.restart()
        assert await texts(alice, "b") == ["B"]
    assert histories[0] == histories[1] == []
    assert told(histories[2]) == [("user", part("a")), ("assistant", part("A"))]


async def test_what_stands_in_the_chatbot_first_is_in_the_history(load: Any) -> None:
    """A greeting, say: before all that is said, each time."""
    bot = load(
        f"""
        greeting = [{{"role": "assistant", "content": "Hello!"}}]
        def fn(message, history):
            return f"{{len(history)}} {{history[0]['role']}}"
        chatbot = gr.Chatbot(value=greeting{MESSAGES})
        demo = gr.ChatInterface(fn, chatbot=chatbot{MESSAGES})
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["1 assistant"]
        assert await texts(alice, "b") == ["3 assistant"]


@pytest.mark.skipif(not IS_FIVE, reason="Gradio 6 has no tuples")
async def test_tuples_are_pairs(seen: Any) -> None:
    """`type="tuples"`: what was said, and what was answered."""
    bot, histories = seen("message.upper()", ', type="tuples"')
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("a")
        await client.restart()
        assert await texts(alice, "b") == ["B"]
        await alice.say("/undo")
        await alice.say("c")
    assert histories[1] == [["a", "A"]]
    assert histories[2] == [["a", "A"]]


async def test_undo_retry_and_clear_are_the_bots(seen: Any) -> None:
    """What a page has buttons for, a bot has commands for."""
    bot, histories = seen("message.upper()")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("a")
        assert await texts(alice, "/retry") == ["A"]
        await alice.say("b")
        await alice.say("/undo")
        await alice.say("c")
        assert told(histories[3]) == [("user", part("a")), ("assistant", part("A"))]
        await alice.say("/clear")
        await alice.say("d")
    assert histories[4] == []


async def test_a_generator_streams(load: Any) -> None:
    """Each yield replaces what was shown, and the history has the last."""
    bot = load(
        f"""
        def fn(message, history):
            for end in range(len(message) + 1):
                yield f"{{message[:end]}} {{len(history)}}"
        demo = gr.ChatInterface(fn{MESSAGES})
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "abc") == ["abc 0"]
        assert await texts(alice, "de") == ["de 2"]


ANSWERS = [
    ('"**a**"', ["a"]),
    ('{"role": "assistant", "content": "a"}', ["a"]),
    ('[{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]', ["a", "b"]),
    ('gr.ChatMessage(content="a", metadata={"title": "Thought"})', ["Thought\na"]),
    ('["a", "b"]', ["a", "b"]),
    ('gr.HTML("<p>a<br>b</p>")', ["a\nb"]),
    ('gr.Label({"a": 1.0})', ["a\n100% a"]),
]


@pytest.mark.parametrize(("answer", "said"), ANSWERS)
async def test_an_answer_is_what_the_chatbot_shows(seen: Any, answer: str, said: list[str]) -> None:
    """Texts, messages, several of them, and components."""
    bot, _ = seen(answer)
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "go") == said


async def test_options_are_buttons(seen: Any) -> None:
    """What stands on them comes back as a message."""
    answer = 'gr.ChatMessage(content=message, options=[{"value": "yes", "label": "Yes!"}])'
    bot, _ = seen(answer)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("go")
        assert reply.labels == ["Yes!"]
        assert [each.text for each in await alice.press("Yes!")] == ["yes"]


async def test_a_picture_is_sent(seen: Any, tmp_path: Any) -> None:
    """As a path of the function's, or as a component."""
    from PIL import Image

    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    for answer in ('{"path": "a.png"}', '(gr.Image("a.png"))'):
        content = f'{{"role": "assistant", "content": {answer}}}'
        bot, _ = seen(content)
        async with TestClient(bot) as client:
            (reply,) = await client.user("alice").say("go")
            assert Image.open(io.BytesIO(reply.files[0].data)).size == (2, 2)


async def test_files_are_in_the_message_and_in_the_history(load: Any) -> None:
    """They are fetched for each turn, and lie at paths that can be read."""
    bot = load(
        f"""
        def paths(history):
            for message in history:
                content = message["content"]
                for part in content if isinstance(content, list) else [content]:
                    if isinstance(part, dict) and part.get("type") == "file":
                        yield part["file"]["path"]
                    elif isinstance(part, tuple):
                        yield part[0]
        def fn(message, history):
            files = [*paths(history), *message["files"]]
            found = [open(path, "rb").read().decode() for path in files]
            return f"{{message['text']}} {{found}}"
        demo = gr.ChatInterface(fn, multimodal=True{MESSAGES})
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        cat = client.platform.upload("cat.txt", b"a cat", "text/plain")
        assert (await alice.say("look", files=[cat]))[0].text == "look ['a cat']"
        await client.restart()
        assert (await alice.say("again"))[0].text == "again ['a cat']"


async def test_additional_inputs_are_settings(load: Any) -> None:
    """With their bounds and choices, and their values until somebody sets them."""
    bot = load(
        f"""
        def fn(message, history, system, heat, tone):
            return f"{{system}} {{heat}} {{tone}}"
        demo = gr.ChatInterface(
            fn, additional_inputs=[
                gr.Textbox("kind", label="System prompt"), gr.Slider(0, 2, 1, label="Heat"),
                gr.Dropdown([("Calm", 1), ("Wild", 2)], value=1, label="Tone"),
            ]{MESSAGES})
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["kind 1 1"]
        await alice.say("/settings system_prompt be rude")
        await alice.say("/settings heat 1.5")
        await alice.say("/settings tone wild")
        assert "Send 2 or less" in (await texts(alice, "/settings heat 3"))[0]
        await client.restart()
        assert await texts(alice, "a") == ["be rude 1.5 2"]
        assert await texts(client.user("bob"), "a") == ["kind 1 1"]


async def test_additional_states_and_outputs(load: Any) -> None:
    """A state is kept and taken back with its turn; what else is given is said behind."""
    bot = load(
        f"""
        with gr.Blocks() as demo:
            code, count = gr.Code(render=False), gr.State(0)
            def fn(message, history, count):
                return str(count), gr.Code(f"x = {{count}}", language="python"), count + 1
            outputs = [code, count]
            gr.ChatInterface(fn, additional_inputs=[count], additional_outputs=outputs{MESSAGES})
            code.render()
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["0", "x = 0"]
        assert await texts(alice, "a") == ["1", "x = 1"]
        await alice.say("/undo")
        await client.restart()
        assert await texts(alice, "a") == ["1", "x = 1"]


async def test_a_validator_is_asked_before(load: Any) -> None:
    """What it refuses is told, and is not in the history."""
    bot = load(
        f"""
        def check(message):
            return gr.validate(len(message) > 2, "Too short")
        def fn(message, history):
            return f"{{message}} {{len(history)}}"
        demo = gr.ChatInterface(fn, validator=check{MESSAGES})
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["Too short"]
        assert await texts(alice, "abc") == ["abc 0"]


async def test_it_knows_who_asks_and_how_far_it_is(load: Any) -> None:
    """`gr.Request` and `gr.Progress` stand where the function wants them."""
    bot = load(
        f"""
        def fn(message, history, request: gr.Request, progress=gr.Progress()):
            progress(0.5)
            gr.Info("noted")
            if message == "bad":
                raise gr.Error("no")
            return request.username
        demo = gr.ChatInterface(fn{MESSAGES})
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["noted", "alice"]
        assert await texts(alice, "bad") == ["no"]


async def test_examples_are_buttons(load: Any) -> None:
    """In each of their forms: what has a text can be sent."""
    examples = '[["hi", None], ["ho", None]]'
    bot = load(
        f"""
        demo = gr.ChatInterface(
            lambda m, h, s: m, additional_inputs=["text"], examples={examples},
            title="Echo"{MESSAGES})
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        (about,) = await alice.say("/start")
        assert about.text.startswith("Echo")
        assert about.labels == ["hi", "ho"]
        assert [reply.text for reply in await alice.press("ho")] == ["ho"]
