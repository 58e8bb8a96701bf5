"""What is said to an app, in two ways: as a person types it, and as Gradio's client gives it.

1. What is said depends on the app alone, so that both sides say the same: its examples, where it
   has some, else a value for each component.
2. Files are those that Gradio ships.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from chatstate_gradio.asking import is_asked
from chatstate_gradio.library import base_kind, gr

ASSETS = Path(gr.__file__).parent / "media_assets"
WORDS = ("hello there", "other words", "once more", "and again")
TURNS = (("alice", 0), ("bob", 1), ("alice", 2), ("alice", 3))
"""Who says what: two people apart, and the last of it behind a restart."""
_BY_KIND: Mapping[str, str] = {
    **dict.fromkeys(("Image", "Gallery", "ImageEditor", "ImageSlider"), "images/logo.png"),
    "Audio": "audio/recording1.wav",
    "Video": "videos/b.mp4",
    "Model3D": "models3d/Duck.glb",
    **dict.fromkeys(("File", "UploadButton"), "data/sample.txt"),
}
_BY_ENDING: Mapping[str, str] = {
    ".srt": "data/s1.srt",
    ".vtt": "data/s2.vtt",
    **dict.fromkeys((".csv", "csv"), "data/time.csv"),
    "image": "images/logo.png",
    "audio": "audio/recording1.wav",
    "video": "videos/b.mp4",
}


class Sample(NamedTuple):
    """A value for a component: what is typed, or the file that is sent; and the client's value."""

    text: str
    file: Path | None
    value: Any


class UnplannedError(Exception):
    """A component that nobody has a sample for."""


def samples(components: Sequence[Any], turn: int, rows: Sequence[Any] = ()) -> list[Sample]:
    """Return what is said to each component that people are asked for; `rows` are examples."""
    row = rows[turn % len(rows)] if rows else []
    values = [*(row if isinstance(row, list | tuple) else [row]), *[None] * len(components)]
    return [
        sample(component, turn, value)
        for component, value in zip(components, values, strict=False)
        if is_asked(component)
    ]


def sample(component: Any, turn: int, example: Any = None) -> Sample:
    """Return what is said to a component in a turn: its example, if there is one."""
    kind = base_kind(component)
    if kind in _BY_KIND:
        return _file(component, kind)
    if kind not in _SAMPLES:
        raise UnplannedError(kind)
    return _SAMPLES[kind](component, turn, example)


def _file(component: Any, kind: str) -> Sample:
    endings = getattr(component, "file_types", None) or ()
    path = ASSETS / _BY_ENDING.get(str(next(iter(endings), "")), _BY_KIND[kind])
    several = getattr(component, "file_count", "single") != "single"
    if kind == "Gallery":
        return Sample("", path, [{"image": path, "caption": None}])
    if "video" in getattr(component.data_model, "model_fields", {}):  # of Gradio 5
        return Sample("", path, {"video": path, "subtitles": None})
    return Sample("", path, [path] if several else path)


def _text(_component: Any, turn: int, example: Any) -> Sample:
    said = WORDS[turn] if example is None else str(example)
    return Sample(said, None, said)


def _multimodal(_component: Any, turn: int, _example: Any) -> Sample:
    return Sample(WORDS[turn], None, {"text": WORDS[turn], "files": []})


def _number(component: Any, turn: int, example: Any) -> Sample:
    least = getattr(component, "minimum", None)
    value = example if example is not None else (2 if least is None else least) + turn % 2
    return Sample(f"{value}", None, value)


def _truth(_component: Any, turn: int, example: Any) -> Sample:
    value = bool(turn % 2) if example is None else bool(example)
    return Sample("yes" if value else "no", None, value)


def _choice(component: Any, turn: int, example: Any) -> Sample:
    several = base_kind(component) == "CheckboxGroup" or getattr(component, "multiselect", False)
    if isinstance(example, list) and example:
        return Sample(", ".join(map(str, example)), None, example)
    known = [choice for choice in component.choices or () if example in choice]
    if not (known or component.choices):
        return _text(component, turn, example)
    shown, value = known[0] if known else component.choices[turn % len(component.choices)]
    return Sample(f"{shown}", None, [value] if several else value)


def _always(text: str, value: Any = None) -> Callable[[Any, int, Any], Sample]:
    return lambda *_given: Sample(text, None, text if value is None else value)


def _table(component: Any, turn: int, example: Any) -> Sample:
    headers = [str(header) for header in component.headers or ()]
    rows = example if isinstance(example, list) and example else None
    if rows is None:
        rows = [[f"{number + turn}" for number in range(len(headers) or 2)]]
    named = [headers] if len(headers) == len(rows[0]) else []
    headers = headers if named else [str(n + 1) for n in range(len(rows[0]))]
    text = io.StringIO()
    csv.writer(text).writerows([*named, *rows])
    cells = [[str(cell) for cell in row] for row in rows]
    kinds = component.datatype if isinstance(component.datatype, list) else [component.datatype]
    if "number" in kinds:
        cells = rows
    return Sample(text.getvalue(), None, {"headers": headers, "data": cells, "metadata": None})


_SAMPLES: Mapping[str, Callable[[Any, int, Any], Sample]] = {
    **dict.fromkeys(("Textbox", "Code"), _text),
    "MultimodalTextbox": _multimodal,
    **dict.fromkeys(("Number", "Slider"), _number),
    "Checkbox": _truth,
    **dict.fromkeys(("Radio", "Dropdown", "CheckboxGroup"), _choice),
    "ColorPicker": _always("#ff8000"),
    "DateTime": _always("2026-11-27 14:30:00"),
    "JSON": _always('{"a": [1, 2]}', {"a": [1, 2]}),
    "Dataframe": _table,
}
