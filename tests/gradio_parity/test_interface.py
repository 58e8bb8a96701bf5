"""A `gr.Interface` as a bot: its components read and show, and its functions run as there."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from support import FAILED, texts

from chatstate import Progress
from chatstate.testing import FakePlatform, Person, TestClient

gr = pytest.importorskip("gradio", reason="the extra gradio is not installed")


async def ask(bot: Any, *said: str) -> list[str]:
    """Say something to a bot, and return the texts of the last answer."""
    async with TestClient(bot) as client:
        alice = client.user("alice")
        if len(said) > 1:
            await alice.say("/start")
        for text in said[:-1]:
            await alice.say(text)
        return await texts(alice, said[-1])


async def send(person: Person, platform: FakePlatform, *files: tuple[str, bytes, str]) -> Any:
    return await person.say("", files=[platform.upload(*file) for file in files])


def png(size: tuple[int, int] = (4, 2)) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", size, "red").save(data, "PNG")
    return data.getvalue()


INPUTS = [
    ('"text"', "hi", "'hi'"),
    ('"number"', "7", "7"),
    ("gr.Number(precision=1)", "7.25", "7.2"),
    ("gr.Slider(1, 5, step=1)", "3", "3"),
    ('"checkbox"', "yes", "True"),
    ('gr.Radio(["a", "b"])', "B", "'b'"),
    ('gr.Radio(["a", "b"], type="index")', "b", "1"),
    ('gr.Dropdown([("Small", 1), ("Large", 2)])', "large", "2"),
    ('gr.Dropdown(["a", "b"], multiselect=True)', "a, b", "['a', 'b']"),
    ('gr.Dropdown(["a"], allow_custom_value=True)', "other", "'other'"),
    ('gr.CheckboxGroup(["a", "b"])', "a, b", "['a', 'b']"),
    ("gr.JSON()", '{"a": [1]}', "{'a': [1]}"),
    ("gr.ColorPicker()", "#ff0000", "'#ff0000'"),
    ('gr.Dataframe(headers=["a", "b"], type="array")', "1,2", "[['1', '2']]"),
    ('gr.Dataframe(headers=["a", "b"], type="array")', "a,b\n1,2", "[['1', '2']]"),
    ('gr.Dataframe(headers=["a"], datatype="number", type="array")', "1", "[[1]]"),
]


@pytest.mark.parametrize(("component", "said", "given"), INPUTS)
async def test_an_input_gives_what_its_component_makes_of_it(
    load: Any, component: str, said: str, given: str
) -> None:
    """Whatever a person types is the payload that a page would send."""
    bot = load(f'demo = gr.Interface(lambda x: repr(x), {component}, "text")\n')
    assert await ask(bot, said) == [given]


@pytest.mark.parametrize(
    ("component", "said", "told"),
    [
        ("gr.Slider(1, 5)", "7", "Send 5 or less"),
        ('"number"', "x", "is not a number"),
        ('gr.Radio(["a", "b"])', "c", "is not one of a, b"),
        ('gr.Image(type="filepath")', "text", "Please send a file"),
        ("gr.JSON()", '{"path": "/etc/passwd"}', "A file is sent, not described"),
        (
            "gr.JSON()",
            '[{"a": {"url": "http://a", "meta": {"_type": "gradio.FileData"}}}]',
            "A file is sent, not described",
        ),
    ],
)
async def test_what_does_not_fit_is_told(load: Any, component: str, said: str, told: str) -> None:
    """Nothing runs; and text that describes a file is none."""
    bot = load(f'demo = gr.Interface(lambda x: repr(x), {component}, "text")\n')
    (answer,) = await ask(bot, said)
    assert told in answer


OUTPUTS = [
    ('"text"', '"*a*"', ["*a*"]),
    ('"number"', "7.5", ["7.5"]),
    ('"checkbox"', "True", ["yes"]),
    ('"label"', '{"a": 0.25, "b": 0.75}', ["b\n75% b\n25% a"]),
    ('"json"', '{"a": [1]}', ['{\n  "a": [\n    1\n  ]\n}']),
    ('"html"', '"<p>a<br>b</p>"', ["a\nb"]),
    ("gr.HighlightedText()", '[("Ann", "PER"), (" sings", None)]', ["Ann [PER] sings"]),
    ('gr.Dropdown([("Small", 1)])', "1", ["Small"]),
    ("gr.Markdown()", '"**a**"', ["a"]),
    ("gr.Textbox(visible=False)", '"a"', []),
    ('"text"', 'gr.update(value="b")', ["b"]),
    ('"text"', 'gr.Textbox(value="c")', ["c"]),
    ('["text", "number"]', '("a", 1)', ["output 0: a", "output 1: 1"]),
    ('[gr.Textbox(label="A"), gr.Number(label="B")]', '("a", 1)', ["A: a", "B: 1"]),
]


@pytest.mark.parametrize(("components", "value", "said"), OUTPUTS)
async def test_an_output_says_what_its_component_shows(
    load: Any, components: str, value: str, said: list[str]
) -> None:
    """Each behind its label, where there are several."""
    bot = load(f'demo = gr.Interface(lambda x: {value}, "text", {components})\n')
    assert await ask(bot, "go") == said


async def test_a_picture_is_the_components_in_and_out(load: Any) -> None:
    """It comes as the function wants it, and goes as a file."""
    bot = load(
        """
        import numpy as np
        def turn(image):
            assert isinstance(image, np.ndarray)
            return image.transpose(1, 0, 2)
        demo = gr.Interface(turn, gr.Image(type="numpy"), gr.Image(format="png"))
        """
    )
    from PIL import Image

    async with TestClient(bot) as client:
        (reply,) = await send(client.user("alice"), client.platform, ("a.png", png(), "image/png"))
        (file,) = reply.files
        assert Image.open(io.BytesIO(file.data)).size == (2, 4)
        (told,) = await send(client.user("alice"), client.platform, ("a.txt", b"a", "text/plain"))
        assert told.text == "a.txt is no file of this kind: image."


def is_there(path: str) -> bool:
    return Path(path).exists()


async def test_files_are_gone_when_the_turn_is_over(load: Any) -> None:
    """What was sent is laid down for one turn, where Gradio takes uploads from."""
    bot = load(
        """
        paths = []
        def count(files):
            paths.extend(files)
            return sum(len(open(path).read()) for path in files)
        demo = gr.Interface(count, gr.File(file_count="multiple"), "number")
        """
    )
    async with TestClient(bot) as client:
        sent = [("a.txt", b"abc", "text/plain"), ("b.txt", b"de", "text/plain")]
        (reply,) = await send(client.user("alice"), client.platform, *sent)
    assert reply.text == "5"
    paths = _module(bot).paths
    assert [Path(path).name for path in paths] == ["a.txt", "b.txt"]
    assert not any(map(is_there, paths))


def _module(bot: Any) -> Any:
    import sys

    return sys.modules[bot.id]


async def test_states_are_each_persons_own_and_kept(load: Any) -> None:
    """What `gr.State` holds survives a restart, tuples and other keys and all."""
    bot = load(
        """
        def store(message, seen):
            seen[len(seen)] = (message, {message})
            return str(sorted(seen.items())), seen
        demo = gr.Interface(store, ["text", gr.State({})], ["text", "state"])
        """
    )
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "a") == ["[(0, ('a', {'a'}))]"]
        assert await texts(bob, "b") == ["[(0, ('b', {'b'}))]"]
        await client.restart()
        assert await texts(alice, "c") == ["[(0, ('a', {'a'})), (1, ('c', {'c'}))]"]


async def test_a_state_that_fails_is_as_before(load: Any) -> None:
    """In Gradio it would stay half changed."""
    bot = load(
        """
        def add(message, seen):
            seen.append(message)
            if message == "bad":
                raise ValueError(message)
            return " ".join(seen), seen
        demo = gr.Interface(add, ["text", gr.State([])], ["text", "state"])
        """
    )
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["a"]
        assert await texts(alice, "bad") == [FAILED]
        assert await texts(alice, "b") == ["a b"]


async def test_what_is_no_data_stays_in_memory(load: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The log says so at start; a restart begins anew."""
    bot = load(
        """
        class Model:
            asked = 0
        def ask(message, model):
            model.asked += 1
            return str(model.asked), model
        demo = gr.Interface(ask, ["text", gr.State(Model())], ["text", "state"])
        """
    )
    assert "Model, which is no data: it stays in memory" in caplog.text
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "a") == ["1"]
        assert await texts(alice, "b") == ["2"]
        assert await texts(bob, "a") == ["1"]
        await client.restart()
        assert await texts(alice, "c") == ["1"]


async def test_a_state_has_its_time_to_live(load: Any) -> None:
    """What it held is given to its callback, once."""
    bot = load(
        """
        gone = []
        count = gr.State(0, time_to_live=60, delete_callback=gone.append)
        demo = gr.Interface(lambda m, n: (n + 1, n + 1), ["text", count], ["number", count])
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["1"]
        assert await texts(alice, "a") == ["2"]
        await client.advance(61)
        assert await texts(alice, "a") == ["1"]
    assert _module(bot).gone == [2]


async def test_a_function_knows_who_asks(load: Any) -> None:
    """`gr.Request` has the name, and the same session for the same person."""
    bot = load(
        """
        def who(message, request: gr.Request):
            return f"{request.username} {request.session_hash} {request.headers['user-agent']}"
        demo = gr.Interface(who, "text", "text")
        """
    )
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        first = await texts(alice, "a")
        assert first[0].startswith("alice ")
        assert await texts(alice, "b") == first
        assert await texts(bob, "a") != first


async def test_progress_is_shown(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the one line of a turn, whatever counts: a share, or steps."""
    told: list[Any] = []
    monkeypatch.setattr(Progress, "__call__", lambda _self, *given, **_how: told.append(given))
    bot = load(
        """
        def work(message, progress=gr.Progress()):
            progress(0.5, desc="Half way")
            for _ in progress.tqdm(range(2), desc="Steps"):
                pass
            return "done"
        demo = gr.Interface(work, "text", "text")
        """
    )
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("go")
        assert reply.text == "done"
    assert told[0] == (0.5, "Half way")
    assert told[1:] == [((done, 2), "Steps", None, "steps") for done in range(3)]


async def test_what_is_said_beside_is_said_before(load: Any) -> None:
    """`gr.Info` and its kin, also from a thread of the function's."""
    bot = load(
        """
        def work(message):
            gr.Info("one")
            gr.Warning("<b>two</b>")
            return "done"
        demo = gr.Interface(work, "text", "text")
        """
    )
    assert await ask(bot, "go") == ["one", "two", "done"]


async def test_an_error_is_told(load: Any) -> None:
    """The text of `gr.Error`, and of no other exception."""
    bot = load(
        """
        def work(message):
            raise gr.Error("No <b>more</b> &amp; out")
        demo = gr.Interface(work, "text", "text")
        """
    )
    assert await ask(bot, "go") == ["No more & out"]


async def test_a_validator_is_asked_before(load: Any) -> None:
    """What it refuses is told, and the function is not called."""
    bot = load(
        """
        called = []
        def check(age, name):
            return [gr.validate(age > 2, "Too young"), gr.validate(name != "x", "No name")]
        def work(age, name):
            called.append(age)
            return f"{name} is {age}"
        demo = gr.Interface(work, ["number", "text"], "text", validator=check)
        """
    )
    answer = await ask(bot, "1", "x")
    assert answer[0].startswith("Too young\nNo name")
    assert _module(bot).called == []
    assert await ask(bot, "3", "Ann") == ["Ann is 3"]


async def test_a_batch_is_one_of_one(load: Any) -> None:
    """The function gets lists, and each answer is the person's own."""
    bot = load(
        """
        def work(words, counts):
            return [[w * int(n) for w, n in zip(words, counts)]]
        demo = gr.Interface(work, ["text", "number"], "text", batch=True, max_batch_size=4)
        """
    )
    assert await ask(bot, "ab", "2") == ["abab"]


async def test_no_outputs_are_no_answer(load: Any) -> None:
    """`outputs=None`: the function is called all the same."""
    bot = load("said = []\ndemo = gr.Interface(said.append, 'text', None)\n")
    assert await ask(bot, "go") == []
    assert _module(bot).said == ["go"]


async def test_no_inputs_need_no_question(load: Any) -> None:
    """Whatever is said calls the function, and /start has a button that does."""
    bot = load("demo = gr.Interface(lambda: 'made', None, 'text')\n")
    assert await ask(bot, "go") == ["made"]
    async with TestClient(bot) as client:
        alice = client.user("alice")
        (about,) = await alice.say("/start")
        (label,) = about.labels
        assert [reply.text for reply in await alice.press(label)] == ["made"]


async def test_a_generator_streams(load: Any) -> None:
    """Each yield replaces what was shown, sync or async; the states of the last are kept."""
    bot = load(
        """
        async def count(n, total):
            for i in range(int(n)):
                yield i + 1, total + i + 1
        demo = gr.Interface(count, ["number", gr.State(0)], ["number", "state"])
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "3") == ["3"]
        await client.restart()
        assert await texts(alice, "2") == ["2"]


async def test_examples_are_buttons(load: Any) -> None:
    """What is asked for is sent; what no button can send is left to be asked for."""
    bot = load(
        """
        def work(name, times, loud):
            said = name * int(times)
            return said.upper() if loud else said
        demo = gr.Interface(
            work, ["text", gr.Slider(1, 3), "checkbox"], "text",
            examples=[["ab", 2, True], ["cd", 9, False]], title="Words", description="Says words.",
        )
        """
    )
    async with TestClient(bot) as client:
        alice = client.user("alice")
        about, _ = await alice.say("/start")
        assert about.text.startswith("Words\nSays words.")
        assert about.labels == ["ab, 2, yes"]
        assert [reply.text for reply in await alice.press("ab, 2, yes")] == ["ABAB"]


async def test_a_limit_of_concurrency_holds(load: Any) -> None:
    """One at a time, as everywhere in Gradio, unless more are said."""
    text = """
        import asyncio
        most, now = 0, 0
        async def work(message):
            global most, now
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1
            return message
        demo = gr.Interface(work, "text", "text"{limit})
        """
    for limit, most in (("", 1), (", concurrency_limit=3", 3)):
        bot = load(text.format(limit=limit))
        async with TestClient(bot) as client:
            people = [client.user(str(number)) for number in range(6)]
            await asyncio.gather(*(person.say("go") for person in people))
        assert _module(bot).most == most


async def test_a_plot_is_a_picture(load: Any) -> None:
    """What matplotlib has drawn is sent; what only a page can draw is said to be that."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    bot = load(
        """
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        def draw(n):
            figure = plt.figure()
            plt.plot([1, n])
            return figure
        demo = gr.Interface(draw, "number", gr.Plot())
        """
    )
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("3")
        assert reply.files[0].media_type.startswith("image/")
