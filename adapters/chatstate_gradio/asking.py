"""What people say or send, as the payloads that components take from a page.

1. A payload of a file is made of a file that was received, and of nothing else: text and JSON that
   look like one are refused.
2. What is asked for is what a page would show and let people change. All else has the value that
   it has when the app is loaded.
3. What the component itself makes of a payload is its `preprocess`'s business.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from chatstate import File, Kind, Said, UserError
from chatstate_gradio.library import base_kind, cache_folder, plain

FAMILIES: Mapping[str, str] = {
    "Image": "image/",
    "ImageEditor": "image/",
    "ImageSlider": "image/",
    "Gallery": "",
    "Audio": "audio/",
    "Video": "video/",
    "File": "",
    "UploadButton": "",
    "Model3D": "",
}
_FILE = "gradio.FileData"
_laid_down: set[str] = set()
"""Folders of files that were sent for turns that run."""
_number: Callable[[Said], Any] = Kind.named("number").read
_truth: Callable[[Said], Any] = Kind.named("checkbox").read
_json: Callable[[Said], Any] = Kind.named("json").read
_table: Callable[[Said], list[list[str]]] = Kind.named("dataframe").read


def is_asked(component: Any) -> bool:
    """Tell whether people are asked for a component's value."""
    shown = getattr(component, "visible", True) is True
    changes = getattr(component, "interactive", None) is not False
    return shown and changes and base_kind(component) in _KINDS


def default_of(component: Any) -> Any:
    """Return the payload that a component has when the app is loaded."""
    value = getattr(component, "value", None)
    return plain(value() if callable(value) else value)


def kind_of(component: Any, label: str, largest: int | None = None) -> Kind:
    """Return how a component's payload is read. `largest` is how many bytes a file may have."""
    kind = _KINDS[base_kind(component)](component, label)
    if not kind.wants_files or largest is None:
        return kind

    def read(said: Said) -> Any:
        for file in said.files:
            refuse_larger(file, largest)
        return kind.read(said)

    return Kind(label=label, read=read, takes=kind.takes)


def refuse_larger(file: File, largest: int | None) -> None:
    """Raise `UserError` for a file that is too large."""
    if largest is not None and file.path is not None and file.path.stat().st_size > largest:
        raise UserError(
            f"{file.name} is too large for me: I take files of at most {largest:,} bytes."
        )


# Text


def _text(_component: Any, label: str) -> Kind:
    return Kind(label=label)


def _numbers(component: Any, label: str) -> Kind:
    least, most = getattr(component, "minimum", None), getattr(component, "maximum", None)
    bounded = least is not None or most is not None
    return Kind(label=label, least=least, most=most) if bounded else Kind(label=label, read=_number)


def _checkbox(_component: Any, label: str) -> Kind:
    return Kind(label=label, read=_truth, choices=("yes", "no"))


def _chosen(component: Any, label: str) -> Kind:
    choices = {str(shown): value for shown, value in component.choices or ()}
    several = base_kind(component) == "CheckboxGroup" or bool(
        getattr(component, "multiselect", False)
    )
    if not choices:
        return Kind(label=label, read=_items if several else lambda said: said.text)
    kind = Kind(label=label, choices=choices, several=several)
    if not getattr(component, "allow_custom_value", False):
        return kind

    def read(said: Said) -> Any:
        with contextlib.suppress(UserError):
            return kind.read(said)
        return _items(said) if several else said.text

    return Kind(label=label, choices=choices, several=several, read=read)


def _items(said: Said) -> list[str]:
    return [item.strip() for item in said.text.split(",") if item.strip()]


def _of_json(_component: Any, label: str) -> Kind:
    def read(said: Said) -> Any:
        return refuse_files(_json(said))

    return Kind(label=label, read=read)


def refuse_files(payload: Any) -> Any:
    """Return what somebody typed. Raises `UserError` if it would pass for a file."""
    for part in parts_of(payload):
        if "path" in part or (part.get("meta") or {}) == {"_type": _FILE}:
            raise UserError("A file is sent, not described.")
    return payload


def parts_of(payload: Any) -> Iterator[dict[str, Any]]:
    """Yield all dicts in a payload, the outer ones first."""
    if isinstance(payload, dict):
        part = cast("dict[str, Any]", payload)
        yield part
        payload = list(part.values())
    if isinstance(payload, list | tuple):
        for item in cast("Sequence[Any]", payload):
            yield from parts_of(item)


def _dataframe(component: Any, label: str) -> Kind:
    def read(said: Said) -> Any:
        rows = _table(said)
        headers = [str(header) for header in component.headers or ()]
        has_names = bool(said.files) or [_folded(cell) for cell in rows[0]] == [
            _folded(header) for header in headers
        ]
        names, rows = (rows[0], rows[1:]) if has_names else (headers, rows)
        width = len(rows[0]) if rows else len(names)
        names = [*names, *(str(number) for number in range(len(names) + 1, width + 1))][:width]
        types = component.datatype
        kinds = types if isinstance(types, list) else [types] * width
        data = [[_cell(cell, kind) for cell, kind in zip(row, kinds, strict=False)] for row in rows]
        return {"headers": names, "data": data, "metadata": None}

    return Kind(label=label, read=read, takes="both")


def _folded(cell: Any) -> str:
    return str(cell).strip().casefold()


def _cell(cell: str, kind: Any) -> Any:
    read = {"number": _number, "bool": _truth}.get(kind)
    if read:
        with contextlib.suppress(UserError):
            return read(Said(cell))
    return cell


# Files


def _of_files(component: Any, label: str) -> Kind:
    name = base_kind(component)
    several = name == "Gallery" or getattr(component, "file_count", "single") != "single"

    def read(said: Said) -> Any:
        for file in said.files:
            _refuse_others(file, FAMILIES[name])
        sent = [sent_file(file) for file in said.files]
        return _shaped(component, name, sent if several else sent[:1], several=several)

    return Kind(label=label, read=read, takes="files" if several else "file")


def _refuse_others(file: File, family: str) -> None:
    if not file.media_type.startswith(family):
        raise UserError(f"{file.name} is no file of this kind: {family.rstrip('/')}.")


def sent_file(file: File) -> dict[str, Any]:
    """Return the payload of a file that was received, which Gradio finds where uploads are."""
    if file.path is None:
        raise TypeError(f"{file.name} is not at a path: only what was received is a payload")
    folder = Path(cache_folder(), uuid.uuid4().hex)
    folder.mkdir(parents=True)
    _laid_down.add(str(folder))
    path = folder / file.name
    linked(file.path, path)
    return {
        "path": str(path),
        "orig_name": file.name,
        "mime_type": file.media_type,
        "size": path.stat().st_size,
        "url": None,
        "is_stream": False,
        "meta": {"_type": _FILE},
    }


def kept(path: str, folder: Path) -> str:
    """Return where a file lies until its turn has ended: what was sent may be the answer, too."""
    place = Path(path)
    if str(place.parent) not in _laid_down:
        return path
    target = folder / f"{uuid.uuid4().hex}{place.suffix}"
    linked(place, target)
    return str(target)


def linked(path: Path, target: Path) -> None:
    """Let a file lie at a second place, too."""
    try:
        os.link(path, target)
    except OSError:  # on another disk
        shutil.copyfile(path, target)


def forget(payloads: Iterable[Any]) -> None:
    """Remove the files that `sent_file` has laid down for payloads."""
    for part in parts_of(list(payloads)):
        folder = str(Path(str(part.get("path") or "")).parent)
        if folder in _laid_down:
            _laid_down.discard(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _shaped(component: Any, name: str, sent: list[dict[str, Any]], *, several: bool) -> Any:
    if name == "Gallery":
        return [_pictured(file) for file in sent]
    if name == "ImageEditor":
        return {"background": sent[0], "layers": [], "composite": sent[0]}
    if name == "ImageSlider":
        return [sent[0], sent[0]]
    fields = getattr(getattr(component, "data_model", None), "model_fields", {})
    if name == "Video" and "video" in fields:
        return {"video": sent[0], "subtitles": None}
    return sent if several else sent[0]


def _pictured(file: dict[str, Any]) -> dict[str, Any]:
    what = "video" if str(file["mime_type"]).startswith("video/") else "image"
    return {what: file, "caption": None}


def _multimodal(_component: Any, label: str) -> Kind:
    def read(said: Said) -> Any:
        return {"text": said.text, "files": [sent_file(file) for file in said.files]}

    return Kind(label=label, read=read, takes="both")


_KINDS: Mapping[str, Callable[[Any, str], Kind]] = {
    **dict.fromkeys(("Textbox", "Code", "ColorPicker", "DateTime"), _text),
    **dict.fromkeys(("Number", "Slider"), _numbers),
    "Checkbox": _checkbox,
    **dict.fromkeys(("CheckboxGroup", "Radio", "Dropdown"), _chosen),
    "JSON": _of_json,
    "Dataframe": _dataframe,
    "MultimodalTextbox": _multimodal,
    **dict.fromkeys(FAMILIES, _of_files),
}
