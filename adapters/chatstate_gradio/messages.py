"""A chat's messages, from the bot's history to Gradio's, and from Gradio's chatbot to replies.

1. Gradio's history has had the way of its own through the chatbot: `postprocess`, to the page, and
   `preprocess`, back. So what a function gets here is what it gets there.
2. Gradio 6 has parts in one message; 5 has a message for each, or pairs (`type="tuples"`).
3. A file that the bot has sent is named in the text, since it is not here any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from chatstate import File, Reply, Turn
from chatstate_gradio.asking import default_of
from chatstate_gradio.library import plain, value_of
from chatstate_gradio.showing import bring, files_of, said

Message = Any
"""What a chat's handler may return: a message in Gradio's form, or a reply."""
_LIKE = {"json": "JSON", "html": "HTML", "highlightedtext": "HighlightedText"}


def past(demo: Any, history: Sequence[dict[str, Any]]) -> Any:
    """Return a bot's history as the function of a chat gets it, behind what stood there first."""
    form = getattr(demo.chatbot, "type", "parts")
    messages: Any = list(history) if form == "parts" else list(_apart(demo, history))
    if form == "tuples":
        messages = demo._messages_to_tuples(messages)
    first = default_of(demo.chatbot) or []
    return value_of(demo.chatbot, [*first, *plain(demo.chatbot.postprocess(messages))])


def _apart(demo: Any, history: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a message for each part, as Gradio 5 has them."""
    for message in history:
        parts = message["content"]
        for part in parts:
            told = part["text"] if part["type"] == "text" else (part["file"]["path"],)
            yield {**message, "content": told}
        is_bare = parts and parts[-1]["type"] == "file" and message["role"] == "user"
        if demo.multimodal and is_bare:  # there is always a text, be it empty
            yield {**message, "content": ""}


def shown_after(chatbot: Any, conversation: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the messages of a chatbot that stand behind the person's newest."""
    if getattr(chatbot, "type", "") == "tuples":
        pairs = [
            {"role": role, "content": said}
            for pair in conversation
            for role, said in zip(("user", "assistant"), pair, strict=True)
            if said is not None
        ]
        conversation = pairs
    told = [message["role"] for message in conversation]
    newest = len(told) - told[::-1].index("user") if "user" in told else 0
    return list(conversation[newest:])


async def message_of(message: dict[str, Any], turn: Turn) -> list[Message]:
    """Return what a message of a chatbot says: itself, and what it has in components."""
    await bring(message, turn)
    content = message["content"]
    parts = cast("list[Any]", content) if isinstance(content, list) else [content]
    told: list[str | File] = []
    beside: list[Reply] = []
    for part in parts:
        if isinstance(part, str):
            told.append(part)
        elif part.get("type") == "text":
            told.append(part["text"])
        elif "component" in part:
            beside += said(_kind(part["component"]), part["value"])
        else:
            told += files_of(part)
    if not told:
        return list(beside)
    metadata = {name: value for name, value in (message.get("metadata") or {}).items() if value}
    return [
        {
            "role": "assistant",
            "content": told,
            "metadata": metadata or None,
            "options": message.get("options") or None,
        },
        *beside,
    ]


def _kind(name: str) -> str:
    return _LIKE.get(name, name.capitalize())
