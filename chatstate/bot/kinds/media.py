"""Files as inputs and outputs: one of a family, several, and what a figure is drawn as.

1. A file that was sent is at a path of the turn's own; the annotation says as what it is given.
2. What is returned is sent if it is a `File`, bytes, an image, or a path in the turn's own folder.
"""

from __future__ import annotations

import io
import os
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from chatstate.bot.annotations import essence, members
from chatstate.bot.kinds.kind import Kind, Said, refuse_other_media
from chatstate.bot.returns import kind_of
from chatstate.errors import BindingError, ReplyError
from chatstate.files import File
from chatstate.language.sentences import Sentence

FAMILIES: Mapping[str, str] = {
    "file": "",
    "image": "image/",
    "audio": "audio/",
    "video": "video/",
}


def file_kind(name: str, type_: Any) -> Kind:
    """Return the kind of one file of a family, given as `type_`. Raises `BindingError`."""
    give, family = _as(essence(type_)), FAMILIES[name]

    def read(said: Said) -> Any:
        refuse_other_media(said.files[0], family)
        return give(said.files[0])

    return Kind(read=read, show=as_files, takes="file")


def gallery_kind(type_: Any) -> Kind:
    """Return the kind of all pictures and films of a message. Raises `BindingError`."""
    meant = essence(type_)
    parts = typing.get_args(meant) if typing.get_origin(meant) is list else ()
    if not parts and meant not in (Any, object, list):
        raise BindingError(f"a gallery is no {type_!r}; use a list, such as list[Path]")
    give = _as(parts[0] if parts else Any)

    def read(said: Said) -> list[Any]:
        for file in said.files:
            if not file.media_type.startswith("video/"):
                refuse_other_media(file, "image/")
        return [give(file) for file in said.files]

    return Kind(read=read, show=as_gallery, takes="files")


def as_files(value: Any) -> Any:
    """Show a file, or a list of some."""
    if value is None:
        return None
    return {"files": cast("list[Any]", value) if isinstance(value, list) else [value]}


def as_gallery(value: Any) -> Any:
    """Show pictures: each a file, or a pair of it and its caption."""
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        raise ReplyError(f'output "gallery" takes a list of pictures, not {kind_of(value)}')
    pairs = [_captioned(picture) for picture in cast("Sequence[Any]", value)]
    bare = [picture for picture, caption in pairs if not caption]
    captioned = [{"text": caption, "files": [picture]} for picture, caption in pairs if caption]
    return [*([{"files": bare}] if bare else []), *captioned]


def _captioned(picture: Any) -> tuple[Any, str]:
    if isinstance(picture, tuple):
        picture, caption = cast("tuple[Any, Any]", picture)
        return picture, str(caption or "")
    return picture, ""


def as_plot(value: Any) -> Any:
    """Show a figure as a picture: of matplotlib, or what else can `savefig` or make a PNG."""
    if value is None:
        return None
    data = io.BytesIO()
    if hasattr(value, "savefig"):
        value.savefig(data, format="png", bbox_inches="tight")
    elif hasattr(value, "to_image"):
        data.write(value.to_image(format="png"))
    else:
        raise ReplyError(
            f'output "plot" takes a figure that can be a picture, not {kind_of(value)}; possible: '
            "a matplotlib figure, a plotly figure where kaleido is installed"
        )
    return File(data.getvalue(), "plot.png")


def _picture(file: File) -> Any:
    from PIL import Image

    try:
        picture = Image.open(os.fspath(file.path or ""))
        picture.load()
    except (OSError, Image.DecompressionBombError) as error:
        raise Sentence("wrong_file", file=file.name, wanted="image") from error
    return picture


def _as(type_: Any) -> Callable[[File], Any]:
    """Return how a file is given to a parameter of this type: as its path, unless it says."""
    if type_ is File:
        return lambda file: file
    if type_ is Path:
        return lambda file: file.path
    if type_ is bytes:
        return File.read
    if getattr(type_, "__module__", "").startswith("PIL."):
        return _picture
    if type_ in (Any, object) or str in members(type_):
        return lambda file: os.fspath(file.path or "")
    raise BindingError(
        f"a file is no {type_!r}; possible: str (its path), Path, bytes, File, PIL.Image.Image"
    )
