"""One app, run by Gradio on one side and by chatstate on the other: what each answers.

An answer is the texts and the files in it, whatever stands around these: `said` says them of
chatstate's replies, `told` of the payloads that Gradio's client gets.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import re
import runpy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gradio_client import Client, handle_file
from gradio_parity.plan import TURNS, Sample, sample, samples

from chatstate.cli.loading import load_bot
from chatstate.files import type_of
from chatstate.testing import FakePlatform, Person, TestClient
from chatstate_gradio.asking import default_of, is_asked
from chatstate_gradio.launching import Launches
from chatstate_gradio.library import base_kind, gr

Answer = list[str]
"""The words and the digests of the files of one answer."""


def seed(turn: int) -> None:
    """Let what a function does by chance be the same on both sides."""
    random.seed(turn)
    np.random.seed(turn)  # noqa: NPY002 - functions of the author's use it


def digest(data: bytes) -> str:
    return f"file {hashlib.sha256(data).hexdigest()[:16]}"


# Gradio


def by_gradio(path: Path, name: str = "demo") -> list[Answer]:
    """Return what an app answers that Gradio serves, on this machine alone."""
    demo = _app(path, name)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, inbrowser=False, show_error=True)
    fn, components = _function(demo)
    people: dict[str, Client] = {}
    answers: list[Answer] = []
    for person, turn in TURNS:
        seed(turn)
        if person not in people:
            people[person] = Client(url, verbose=False)
        job = people[person].submit(*_values(demo, components, turn), fn_index=_index(demo, fn))
        final = job.result(timeout=30)
        last = job.outputs()[-1] if job.outputs() else final
        answers.append(sorted(told(fn, last, has_titles=_has_titles(demo))))
    demo.close(verbose=False)
    return answers


def _app(path: Path, name: str) -> Any:
    launches = Launches()
    try:
        found = runpy.run_path(str(path), run_name="__main__")
    finally:
        launches.close()
    return found[name]


def _function(demo: Any) -> tuple[Any, Sequence[Any]]:
    """Return the function that is asked, and the components that it takes."""
    fns = list(demo.fns.values())
    if isinstance(demo, gr.ChatInterface):
        return (
            next(fn for fn in fns if demo.api_response in fn.outputs),
            [demo.textbox, *demo.additional_inputs],
        )
    inputs, outputs = demo.input_components, demo.output_components
    fn = next(f for f in fns if f.fn and list(f.inputs) == inputs and list(f.outputs) == outputs)
    return fn, inputs


def _index(demo: Any, fn: Any) -> int:
    return next(int(number) for number, other in demo.fns.items() if other is fn)


def _values(demo: Any, components: Sequence[Any], turn: int) -> list[Any]:
    """Return what the client gives: of a chat, the further inputs as they are."""
    if isinstance(demo, gr.ChatInterface):
        first, *others = components
        return [
            _value(sample(first, turn)),
            *(default_of(other) for other in others if not other.stateful),
        ]
    said = iter(samples(components, turn, examples_of(demo)))
    return [
        _value(next(said)) if is_asked(component) else default_of(component)
        for component in components
        if not component.stateful
    ]


def examples_of(demo: Any) -> Sequence[Any]:
    """Return the examples of an app that are values."""
    rows = getattr(demo, "examples", None)
    return rows if isinstance(rows, list) else []


def _value(said: Sample) -> Any:
    return _sent(said.value) if said.file else said.value


def _sent(value: Any) -> Any:
    """Return what the client sends, with its files."""
    if isinstance(value, list):
        return [_sent(part) for part in value]
    if isinstance(value, dict):
        return {name: _sent(part) for name, part in value.items()}
    return handle_file(str(value)) if isinstance(value, Path) else value


def _has_titles(demo: Any) -> bool:
    """Tell whether a chatbot shows the titles of messages: pairs have none."""
    return getattr(getattr(demo, "chatbot", None), "type", "") != "tuples"


def told(fn: Any, result: Any, *, has_titles: bool) -> Iterator[str]:
    """Yield the words and files in what Gradio's client gets."""
    shown = [component for component in fn.outputs if not component.stateful]
    results = [result] if len(shown) <= 1 else result
    for component, value in zip(shown, results, strict=False):
        if getattr(component, "visible", True) is True or base_kind(component) == "JSON":
            yield from _leaves(value, has_titles=has_titles)


def _leaves(value: Any, *, has_titles: bool) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part, has_titles=has_titles)
    elif isinstance(value, dict):
        for part in _parts(value, has_titles=has_titles):
            yield from _leaves(part, has_titles=has_titles)
    elif value is not None:
        yield _leaf(value)


def _leaf(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and value.startswith("data:image/"):
        return digest(base64.b64decode(value.partition(",")[2]))
    if isinstance(value, str) and value and _is_file(value):
        return digest(Path(value).read_bytes())
    return f"{value}".strip()


def _parts(value: dict[str, Any], *, has_titles: bool) -> list[Any]:
    """Return what of a dict is told."""
    if value.get("__type__") == "update":
        return [value.get("value")]
    if "role" in value:
        title = (value.get("metadata") or {}).get("title")
        return [value.get("content"), *([title] if has_titles else [])]
    if value.get("confidences"):  # which a page shows as per cent
        sure = [(each["label"], f"{each['confidence']:.0%}") for each in value["confidences"]]
        return [value["label"], *sure]
    return [part for key, part in value.items() if key not in _WORDLESS]


_WORDLESS = {"metadata", "type", "mime_type", "orig_name", "size", "meta", "is_stream", "__type__"}


def _is_file(text: str) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return Path(text).is_absolute() and Path(text).is_file()
    return False


# chatstate


async def by_chatstate(path: Path) -> list[Answer]:
    """Return what the same app answers as a bot, the last time behind a restart."""
    bot = load_bot(str(path))
    demo = _of_file(path)
    _, components = _function(demo)
    is_chat = isinstance(demo, gr.ChatInterface)
    asked = components[:1] if is_chat else components
    answers: list[Answer] = []
    async with TestClient(bot) as client:
        people = {name: client.user(name) for name in ("alice", "bob")}
        for number, (name, turn) in enumerate(TURNS):
            seed(turn)
            if number == len(TURNS) - 1:
                await client.restart()
            said = samples(asked, turn, () if is_chat else examples_of(demo))
            answers.append(await _ask(people[name], client.platform, said, is_chat=is_chat))
    return answers


def _of_file(path: Path) -> Any:
    return sys.modules[path.stem].demo


async def _ask(
    person: Person, platform: FakePlatform, said: Sequence[Sample], *, is_chat: bool
) -> Answer:
    """Ask a bot, and return its answer."""
    if is_chat:  # the others are settings, and have their defaults on both sides
        return answer_of(await person.say(said[0].text))
    if len(said) > 1:
        await person.say("/start")
    replies: Sequence[Any] = []
    for each in said or [Sample("go", None, None)]:
        files = [_uploaded(platform, each.file)] if each.file else []
        replies = await person.say(each.text, files=files)
    return answer_of(replies)


def _uploaded(platform: FakePlatform, path: Path) -> Any:
    return platform.upload(path.name, path.read_bytes(), type_of(path.name))


def answer_of(replies: Sequence[Any]) -> Answer:
    """Return the words and files of replies."""
    found: Answer = []
    for reply in replies:
        found += [reply.text.strip()] if reply.text.strip() else []
        found += [digest(file.data) for file in reply.files]
    return sorted(found)


# Both


def are_same(gradios: Answer, chatstates: Answer) -> bool:
    """Tell whether all that Gradio answers is said, and nothing where it says nothing."""
    files = [
        {part for part in answer if part.startswith("file ")} for answer in (gradios, chatstates)
    ]
    words = _words(" ".join(chatstates))
    asked = [part for part in gradios if not part.startswith("file ") and part not in ("", "None")]
    return (
        files[0] == files[1]
        and all(_words(line) in words for part in asked for line in part.splitlines())
        and bool(chatstates) == bool([part for part in gradios if part not in ("", "None")])
    )


def _words(text: str) -> str:
    """Return a text without what Markdown and HTML mean, and without blanks."""
    return re.sub(r"<[^>]*>|[\s*_`#|>~•\\\\-]+", "", text).casefold()
