"""The payloads that components give, as replies.

1. A component has its own words for a value; what it gives is shown, not what the function
   returned. What only a page can draw is said to be that.
2. Text of a component that shows Markdown is Markdown; all other text is shown as it stands.
3. Files are sent from where Gradio has put them, which it does for those that may be seen alone.
   What lies at an address is fetched first.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from chatstate import File, Kind, Markdown, Reply, Turn
from chatstate_gradio.asking import kept, parts_of
from chatstate_gradio.fetching import NotFetchedError, fetched
from chatstate_gradio.library import base_kind, plain

log = logging.getLogger("chatstate.gradio")

Replies = list[Reply]
_AT_ONCE = 10  # files of a reply, which platforms with albums take
_FILE = "gradio.FileData"


def is_update(payload: Any) -> bool:
    """Tell whether a payload changes how a component looks, and maybe its value."""
    return isinstance(payload, dict) and payload.get("__type__") == "update"


async def shown(component: Any, payload: Any, turn: Turn, label: str = "") -> Replies:
    """Return what a component's payload says, behind its label where there are several."""
    payload = plain(payload)
    if is_update(payload):
        payload = plain(payload.get("value"))
    if payload is None or getattr(component, "visible", True) is not True:
        return []
    remarks = await bring(payload, turn)
    return [*_labelled(said(base_kind(component), payload, component), label), *remarks]


async def bring(payload: Any, turn: Turn) -> Replies:
    """Fetch what a payload has at addresses, and let it have the files; return what failed."""
    remarks: Replies = []
    for part in parts_of(payload):
        if not is_file(part) or not part.get("path"):
            continue
        if not _is_address(part["path"]):
            part["path"] = kept(part["path"], turn.folder)
            continue
        try:
            part["path"] = str(await fetched(part["path"], turn.folder))
        except NotFetchedError as error:
            log.warning("a file is not shown: %s", error)
            part["path"] = ""
            remarks.append(Reply(f"(not shown: {error})"))
    return remarks


def is_file(part: Mapping[str, Any]) -> bool:
    """Tell whether a part of a payload is a file."""
    return (part.get("meta") or {}).get("_type") == _FILE


def _is_address(path: Any) -> bool:
    return isinstance(path, str) and path.startswith(("http://", "https://"))


def said(kind: str, payload: Any, component: Any = None) -> Replies:
    """Return what a payload of a component of this kind says."""
    files = files_of(payload)
    if kind == "Gallery" and files:
        return _gallery(payload)
    if not files and any(map(is_file, parts_of(payload))):
        return []
    if files:
        return [Reply(files=files[at : at + _AT_ONCE]) for at in range(0, len(files), _AT_ONCE)]
    say = _SAYERS.get(kind)
    found = say(payload, component) if say else _data(payload)
    if found is None or found == "":
        return []
    return [found if isinstance(found, Reply) else Reply(found)]


def files_of(payload: Any) -> list[File]:
    """Return the files in a payload."""
    return [_file(part) for part in parts_of(payload) if is_file(part) and part.get("path")]


def _file(part: Mapping[str, Any]) -> File:
    path = Path(str(part["path"]))
    name = Path(str(part.get("orig_name") or "")).name
    return File(path, name) if name and Path(name).suffix == path.suffix else File(path)


def _labelled(replies: Replies, label: str) -> Replies:
    if not label or not replies:
        return replies
    first, *others = replies
    text = first.text
    if isinstance(text, str):
        return [Reply(f"{label}: {text}" if text else label, files=first.files), *others]
    return [Reply(label), first, *others]


def _gallery(payload: Sequence[Any]) -> Replies:
    replies: Replies = []
    bare: list[File] = []
    for picture in payload:
        caption = picture.get("caption")
        if caption:
            replies.append(Reply(str(caption), files=files_of(picture)))
        else:
            bare += files_of(picture)
    albums = [Reply(files=bare[at : at + _AT_ONCE]) for at in range(0, len(bare), _AT_ONCE)]
    return [*albums, *replies]


# Words


def _text(payload: Any, _component: Any) -> str:
    return str(payload)


def _markdown(payload: Any, _component: Any) -> Markdown:
    return Markdown(str(payload))


def _truth(payload: Any, _component: Any) -> str:
    return "yes" if payload else "no"


def _chosen(payload: Any, component: Any) -> str:
    names = {json.dumps(value): str(shown) for shown, value in getattr(component, "choices", ())}
    values = cast("list[Any]", payload) if isinstance(payload, list) else [payload]
    return ", ".join(names.get(json.dumps(value), str(value)) for value in values)


def _label(payload: Any, _component: Any) -> Any:
    sure = payload.get("confidences")
    told = {each["label"]: each["confidence"] for each in sure} if sure else payload.get("label")
    return _by("label", told)


def _highlighted(payload: Any, _component: Any) -> Any:
    pairs = [(part["token"], part.get("class_or_confidence")) for part in payload]
    return _by("highlightedtext", pairs)


def _code(payload: Any, component: Any) -> Any:
    fenced = _by("code", payload)
    language = getattr(component, "language", None)
    if language and isinstance(fenced, Markdown) and fenced.text.startswith("```\n"):
        return Markdown(fenced.text.replace("```\n", f"```{language}\n", 1))
    return fenced


def _html(payload: Any, _component: Any) -> Any:
    return _by("html", payload)


def _table(payload: Any, _component: Any) -> Any:
    return _by("dataframe", payload)


def _plot(payload: Any, component: Any) -> Any:
    drawn = payload.get("plot")
    if isinstance(drawn, str) and drawn.startswith("data:image/"):
        kind, _, data = drawn.removeprefix("data:image/").partition(";base64,")
        return Reply(files=[File(base64.b64decode(data), f"plot.{kind}")])
    return _undrawn(component)


def _undrawn(component: Any) -> str:
    return f"({getattr(component, 'label', None) or 'Plot'}: only a web page can draw this)"


def _unsaid(_payload: Any, component: Any) -> str:
    return _undrawn(component)


def _by(kind: str, value: Any) -> Any:
    show = Kind.named(kind).show
    return show(value) if show else value


def _data(payload: Any) -> str:
    if isinstance(payload, str | int | float):
        return str(payload)
    return json.dumps(payload, indent=2, ensure_ascii=False, default=str)


_SAYERS: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("Textbox", "ColorPicker", "DateTime", "Number", "Slider"), _text),
    "Markdown": _markdown,
    "Checkbox": _truth,
    **dict.fromkeys(("CheckboxGroup", "Radio", "Dropdown"), _chosen),
    "Label": _label,
    "HighlightedText": _highlighted,
    "Code": _code,
    "HTML": _html,
    "Dataframe": _table,
    "Plot": _plot,
    **dict.fromkeys(("NativePlot", "BarPlot", "LinePlot", "ScatterPlot"), _unsaid),
}
