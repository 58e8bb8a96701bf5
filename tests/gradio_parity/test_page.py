"""A `gr.Blocks` with a chat as a bot: what the page would do with a message."""

from typing import Any

import pytest
from support import texts

from chatstate import LoadError
from chatstate.testing import TestClient

gr = pytest.importorskip("gradio", reason="the extra gradio is not installed")
MESSAGES = 'type="messages"' if gr.__version__.startswith("5.") else ""

PAGE = f"""
with gr.Blocks(title="Page") as demo:
    chatbot = gr.Chatbot({MESSAGES})
    box = gr.Textbox()
    count = gr.State(0)
    def user(message, history):
        return "", history + [{{"role": "user", "content": message}}]
    def bot(history, count):
        history.append({{"role": "assistant", "content": ""}})
        for letter in f"{{count}} of {{len(history)}}":
            history[-1]["content"] += letter
            yield history, count + 1
    box.submit(user, [box, chatbot], [box, chatbot], queue=False).then(
        bot, [chatbot, count], [chatbot, count])
demo.queue().launch()
"""


async def test_a_page_answers_by_what_its_events_trigger(load: Any) -> None:
    """What is new in the chatbot is said; the page is each person's own, and kept."""
    bot = load(PAGE)
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "a") == ["0 of 2"]
        assert await texts(bob, "a") == ["0 of 2"]
        await client.restart()
        assert await texts(alice, "b") == ["1 of 4"]
        await alice.say("/clear")
        assert await texts(alice, "c") == ["0 of 2"]


async def test_a_button_beside_the_textbox_submits_too(load: Any) -> None:
    """Where nothing is submitted by itself."""
    bot = load(
        f"""
        with gr.Blocks() as demo:
            chatbot, box, send = gr.Chatbot({MESSAGES}), gr.Textbox(), gr.Button()
            def say(message, history):
                return history + [{{"role": "user", "content": message}},
                                  {{"role": "assistant", "content": message.upper()}}]
            send.click(say, [box, chatbot], chatbot)
        """
    )
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "a") == ["A"]


async def test_what_stands_behind_depends_on_how_it_went(load: Any) -> None:
    """`.success` behind what went well, `.failure` behind `gr.Error`, `.then` behind both."""
    bot = load(
        f"""
        went = []
        with gr.Blocks() as demo:
            chatbot, box = gr.Chatbot({MESSAGES}), gr.Textbox()
            def say(message, history):
                if message == "bad":
                    raise gr.Error("no")
                return history + [{{"role": "assistant", "content": message}}]
            said = box.submit(say, [box, chatbot], chatbot)
            said.success(lambda: went.append("success"))
            said.then(lambda: went.append("then"))
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["a"]
        assert await texts(alice, "bad") == ["no"]
    import sys

    assert sys.modules[bot.id].went == ["success", "then", "then"]


async def test_whoever_comes_has_loaded_the_page(load: Any) -> None:
    """Once each, before the first message; and values that are functions are called."""
    bot = load(
        f"""
        loaded = []
        with gr.Blocks() as demo:
            chatbot, box, name = gr.Chatbot({MESSAGES}), gr.Textbox(), gr.Textbox(lambda: "fresh")
            who = gr.Textbox()
            def come(request: gr.Request):
                loaded.append(request.username)
                return request.username
            demo.load(come, None, who)
            def say(message, history, name, who):
                return history + [{{"role": "assistant", "content": f"{{name}} {{who}}"}}]
            box.submit(say, [box, chatbot, name, who], chatbot)
        """
    )
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "a") == ["fresh alice"]
        assert await texts(bob, "a") == ["fresh bob"]
        assert await texts(alice, "b") == ["fresh alice"]
    import sys

    assert sys.modules[bot.id].loaded == ["alice", "bob"]


async def test_a_file_of_an_earlier_turn_is_named(load: Any) -> None:
    """It ends with its turn; the conversation goes on."""
    bot = load(
        f"""
        with gr.Blocks() as demo:
            chatbot, box = gr.Chatbot({MESSAGES}), gr.MultimodalTextbox()
            def say(message, history):
                files = message["files"]
                added = [{{"role": "user", "content": {{"path": path}}}} for path in files]
                size = sum(len(open(path).read()) for path in files)
                answer = {{"role": "assistant", "content": f"{{size}} {{len(history)}}"}}
                return history + added + [answer]
            box.submit(say, [box, chatbot], chatbot)
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        cat = client.platform.upload("cat.txt", b"a cat", "text/plain")
        assert (await alice.say("", files=[cat]))[0].text == "5 0"
        assert await texts(alice, "again") == ["0 2"]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ("gr.Textbox()", "a page with 0 chats"),
        (f"gr.Chatbot({MESSAGES}), gr.Chatbot({MESSAGES}), gr.Textbox()", "a page with 2 chats"),
        (f"gr.Chatbot({MESSAGES}), gr.Textbox()", "nothing can be typed"),
    ],
)
def test_another_page_is_refused(load: Any, parts: str, why: str) -> None:
    """With what can be a bot."""
    with pytest.raises(LoadError, match=why):
        load(f"with gr.Blocks() as demo:\n    parts = [{parts}]\n")
