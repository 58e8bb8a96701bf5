"""What a file says of how its app is served holds for the bot, and nothing is served."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from support import FAILED, texts

from chatstate import LoadError
from chatstate.testing import TestClient

gr = pytest.importorskip("gradio", reason="the extra gradio is not installed")

HOST = Path("/etc/hostname").read_text()
ECHO = 'demo = gr.Interface(lambda x: x, "text", "text")\n'
SEND = 'demo = gr.Interface(lambda path: path, "text", "file")\n'


def test_code_behind_launch_runs(load: Any) -> None:
    """`launch` serves nothing and waits for nothing; so do others that would."""
    bot = load(
        ECHO
        + "app, url, share = demo.launch(share=True)\ndemo.block_thread()\n"
        + "around = object()\nassert gr.mount_gradio_app(around, demo, '/x') is around\n"
        + "done = True\n"
    )
    assert sys.modules[bot.id].done
    assert "serve" not in gr.Blocks.launch.__qualname__


def test_an_app_may_be_made_where_it_is_served(load: Any) -> None:
    """In a function, under `__main__`, and by no name."""
    text = "def main():\n    gr.Interface(lambda x: x, 'text', 'text', title='Made').launch()\n"
    assert load(f"{text}if __name__ == '__main__':\n    main()\n").title == "Made"


def test_analytics_are_off() -> None:
    """Nothing is told to anybody."""
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"


@pytest.mark.parametrize(
    "served",
    [
        'demo.launch(auth=("a", "b"))',
        'demo.launch(None, False, None, False, 40, ("a", "b"))',
        'if __name__ == "__main__":\n    demo.launch(auth=lambda name, word: True)',
        'gr.mount_gradio_app(object(), demo, "/", auth=("a", "b"))',
        'gr.mount_gradio_app(object(), demo, "/", auth_dependency=lambda request: "a")',
    ],
)
async def test_a_protected_app_is_not_made_public(load: Any, served: str) -> None:
    """However it is protected, somebody has to say who may use it; all others are refused."""
    with pytest.raises(LoadError, match=r"asks for a password .* --allow telegram:123"):
        load(ECHO + served, ())
    bot = load(ECHO + served, ["test:alice"])
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "a") == ["a"]
        assert await texts(client.user("bob"), "a") != ["a"]
    async with TestClient(load(ECHO + served, ["everybody"])) as client:
        assert await texts(client.user("bob"), "a") == ["a"]


async def test_an_app_without_a_password_is_for_everybody(load: Any) -> None:
    """Nobody has to be named."""
    async with TestClient(load(ECHO + "demo.launch()", ())) as client:
        assert await texts(client.user("alice"), "a") == ["a"]


async def ask(bot: Any, *said: Any) -> list[str]:
    """Ask for files; return what was sent, or the texts."""
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        answers = [await alice.say(str(path)) for path in said]
    return [
        reply.files[0].data.decode() if reply.files else reply.text
        for answer in answers
        for reply in answer
    ]


async def test_only_files_that_may_be_seen_are_sent(load: Any, tmp_path: Path) -> None:
    """Those of the working folder; not hidden ones, nor what a link leads out to."""
    secret = Path("/etc/hostname")
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / ".env").write_text("secret")
    (tmp_path / "link.txt").symlink_to(secret)
    answers = await ask(load(SEND), "a.txt", ".env", "link.txt", secret)
    assert answers == ["a", FAILED, FAILED, FAILED]


async def test_paths_are_allowed_and_blocked_as_a_file_says(load: Any, tmp_path: Path) -> None:
    """Also through links, and by the environment."""
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    blocked = load(SEND + 'demo.launch(blocked_paths=[["a.txt"]])')
    assert await ask(blocked, "a.txt", "link.txt") == [FAILED, FAILED]
    allowed = load(SEND + 'demo.launch(allowed_paths=["/etc/hostname"])')
    assert await ask(allowed, "/etc/hostname") == [HOST]


async def test_a_file_that_is_too_large_is_refused(load: Any) -> None:
    """By what the file says, in a form and in a chat."""
    form = 'demo = gr.Interface(lambda path: "taken", "file", "text")\n'
    chat = "demo = gr.ChatInterface(lambda m, h: 'taken', multimodal=True)\n"
    for text in (form, chat):
        bot = load(f'{text}demo.launch(max_file_size="1kb")')
        async with TestClient(bot) as client:
            alice, upload = client.user("alice"), client.platform.upload
            small = await alice.say("", files=[upload("a.txt", b"x" * 10, "text/plain")])
            large = await alice.say("", files=[upload("b.txt", b"x" * 3000, "text/plain")])
        assert small[0].text == "taken"
        assert large[0].text.startswith("b.txt is too large for me")


async def test_what_lies_at_an_address_is_fetched(load: Any, tmp_path: Path) -> None:
    """By the one fetcher, which refuses what is not public."""
    from chatstate_gradio import fetching

    bot = load('demo = gr.Interface(lambda url: url, "text", "image")\n')
    answers = await ask(bot, "http://127.0.0.1:1/a.png", "http://169.254.169.254/secret.png")
    assert answers == [
        "(not shown: http://127.0.0.1/a.png is not public)",
        "(not shown: http://169.254.169.254/secret.png is not public)",
    ]
    assert fetching.is_public("93.184.216.34")


def test_one_of_several_apps_is_named(load: Any) -> None:
    """As bots are; without a name it is `demo`, or what is served."""
    made = '{0} = gr.Interface(lambda x: x, "text", "text", title="{1}")\n'
    two = made.format("a", "A") + made.format("b", "B")
    with pytest.raises(LoadError, match=r"several apps; name one: .*:a or .*:b"):
        load(two)
    assert load(two, name="b").title == "B"
    assert load(two + "b.launch()").title == "B"
    assert load(f"{two}demo = a\n").title == "A"


def test_a_page_of_several_apps_is_refused(load: Any) -> None:
    """With what there is on it."""
    with pytest.raises(LoadError, match="has 2 chats and forms on one page"):
        load(
            'a = gr.Interface(lambda x: x, "text", "text")\n'
            'b = gr.Interface(lambda x: x, "text", "text")\n'
            "demo = gr.TabbedInterface([a, b])\n"
        )
