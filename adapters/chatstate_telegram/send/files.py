"""Files as the Bot API takes them ("Sending files"): read while they are sent, by id, by address.

1. A file is read while it is sent, and closed whatever comes of it.
2. One by its id, or at an address, is a text: Telegram has it, or fetches it.
3. Photos that Telegram cannot read are sent again as the files that they are. Of what it cannot
   fetch the address is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from telegram import (
    InputFile,
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)

from chatstate import Rejected
from chatstate.adapter import Part, StoredFile
from chatstate_telegram.send.errors import says

UPLOAD_SECONDS = 120.0  # Telegram answers when it has stored the file
MEDIA: Mapping[str, Any] = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "audio": InputMediaAudio,
    "document": InputMediaDocument,
    "animation": InputMediaAnimation,
}
_NO_PICTURE = ("image_process_failed", "photo_invalid", "photo_save_file_invalid", "photo_ext")
_NOT_FETCHED = ("http url", "web page content", "webpage_")


def opened_file(file: StoredFile, opened: ExitStack, *, attach: bool = False) -> InputFile | str:
    """Return a file that is read while it is sent, and closed by `opened`; or its id or address."""
    if not file.key:
        return file.url or file.id.rpartition(":")[2]
    try:
        handle = opened.enter_context(Path(file.path).open("rb"))  # noqa: SIM115 - `opened` does
    except OSError as error:
        raise Rejected(f"the file {file.name!r} cannot be read: {error.strerror}") from error
    sent = InputFile(handle, file.name, attach=attach, read_file_handle=False)
    sent.mimetype = file.media_type
    return sent


def shown_instead(part: Part, error: Exception) -> Part | None:
    """Return what is sent in place of a part that was refused; None if that is told as it is."""
    if "photo" in part.content.get("media", ()) and says(error, *_NO_PICTURE):
        media = ["document"] * len(part.files)
        return replace(part, content={**part.content, "media": media})
    if any(file.url for file in part.files) and says(error, *_NOT_FETCHED):
        said = [part.content["text"], *(file.url for file in part.files)]
        return replace(
            part, files=(), content={**part.content, "text": "\n\n".join(filter(None, said))}
        )
    return None
