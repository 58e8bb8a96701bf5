"""The page's own words, as a page gets them: of the framework's sentences those for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PAGE = "page_"
_RIGHT_TO_LEFT = ("ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi")


def words_of(sentences: Mapping[str, str]) -> dict[str, Any]:
    """Return the words by their names, their language, and in which direction it is written."""
    words = {
        name.removeprefix(_PAGE): text for name, text in sentences.items() if name.startswith(_PAGE)
    }
    language = words.pop("language")
    is_back = language.partition("-")[0].lower() in _RIGHT_TO_LEFT
    return {"lang": language, "dir": "rtl" if is_back else "ltr", "words": words}
