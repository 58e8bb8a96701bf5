"""A card: a piece of content with a title, a picture and fields.

1. Its limits are those of the platform that has cards, in characters as they are given. What grows
   beyond them when it is written in a platform's markup is that platform's to show in another way.
2. It says something, or shows a picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import msgspec

from chatstate.checks import check_address, require_text
from chatstate.files import File
from chatstate.replies.naming import NamingMeta
from chatstate.replies.texts import Markdown

TITLE_LIMIT = 256
TEXT_LIMIT = 4096
FIELDS_LIMIT = 25
VALUE_LIMIT = 1024
FOOTER_LIMIT = 2048
CARD_LIMIT = 6000
ADDRESS_LIMIT = 2048
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_WHITE = 0xFFFFFF


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, metaclass=NamingMeta):
    """A card: on Discord an embed, elsewhere formatted text with the picture.

    - `title`, which leads to `url`; `text`, plain or `Markdown`.
    - `fields`: names and what they say (a `str` or `Markdown`), in their order.
    - `image`: a `File`, or the address of a picture. `footer`: a line of small print.
    - `colour` of its edge, as `0xFF8800` or `"#FF8800"`, where there is one.

    Its limits are Discord's: 256 characters of title, 4,096 of text, 25 fields of 256 and 1,024,
    2,048 of footer, 6,000 in all. Raises `TypeError` and `ValueError` for what is none of that.
    """

    others: ClassVar[Mapping[str, str]] = {
        "color": "it is colour=",
        "description": "what it says is text=",
        **dict.fromkeys(("thumbnail", "picture"), "its picture is image="),
    }

    title: str = ""
    text: str | Markdown = ""
    fields: Mapping[str, str | Markdown] = {}
    image: File | str | None = None
    url: str | None = None
    colour: int | str | None = None
    footer: str = ""

    def __post_init__(self) -> None:
        _check_text("Card.title", self.title, TITLE_LIMIT, marked=False)
        _check_text("Card.text", self.text, TEXT_LIMIT)
        _check_text("Card.footer", self.footer, FOOTER_LIMIT, marked=False)
        msgspec.structs.force_setattr(self, "fields", _checked_fields(self.fields))
        msgspec.structs.force_setattr(self, "colour", _checked_colour(self.colour))
        if self.url is not None:
            check_address("Card.url", self.url, ADDRESS_LIMIT)
            if not self.title:
                raise ValueError("Card.url is where its title leads: give the Card a title")
        if isinstance(self.image, File) and self.image.url:
            msgspec.structs.force_setattr(self, "image", self.image.url)
        if self.image is not None:
            _check_image(self.image)
        self._check_size()

    @property
    def words(self) -> str:
        """What it says, as a history keeps it."""
        fields = (f"{name}: {_source(value)}" for name, value in self.fields.items())
        lines = [self.title, _source(self.text), *fields, self.footer]
        return "\n".join(filter(None, lines))

    def _check_size(self) -> None:
        texts = [self.title, self.text, self.footer, *self.fields, *self.fields.values()]
        size = sum(len(_source(text)) for text in texts)
        if size > CARD_LIMIT:
            raise ValueError(f"a Card has at most {CARD_LIMIT} characters in all, not {size}")
        if not size and self.image is None:
            raise ValueError("a Card shows something: give it a title, a text or an image")

    @property
    def file(self) -> File | None:
        """Its picture, if that is a file."""
        return self.image if isinstance(self.image, File) else None


def _source(text: str | Markdown) -> str:
    return text if isinstance(text, str) else text.text


def _check_text(what: str, text: Any, limit: int, *, marked: bool = True) -> None:
    if not (marked and isinstance(text, Markdown)):
        require_text(what, text, names=marked)
    if len(_source(text)) > limit:
        raise ValueError(f"{what} has at most {limit} characters, not {len(_source(text))}")


def _checked_fields(fields: Any) -> Mapping[str, str | Markdown]:
    if not isinstance(fields, Mapping):
        raise TypeError(f"Card.fields must be a dict, not {type(fields).__name__}")
    kept = dict(cast("Mapping[str, str | Markdown]", fields))
    for name, value in kept.items():
        _check_text("the name of a Card's field", name, TITLE_LIMIT, marked=False)
        _check_text(f"Card.fields[{name!r}]", value, VALUE_LIMIT)
        if not name.strip() or not _source(value).strip():
            raise ValueError(f"a Card's field has a name and says something: {name!r}: {value!r}")
    if len(kept) > FIELDS_LIMIT:
        raise ValueError(f"a Card has at most {FIELDS_LIMIT} fields, not {len(kept)}")
    return kept


def _checked_colour(colour: Any) -> int | None:
    if isinstance(colour, str) and _COLOUR.fullmatch(colour):
        return int(colour[1:], 16)
    if colour is None or (type(colour) is int and 0 <= colour <= _WHITE):
        return colour
    raise ValueError(f'Card.colour is like 0xFF8800 or "#FF8800": {colour!r}')


def _check_image(image: Any) -> None:
    if not isinstance(image, File):
        check_address("Card.image", image, ADDRESS_LIMIT)
    elif not image.media_type.startswith("image/"):
        raise ValueError(f"Card.image must be a picture; {image.name!r} is {image.media_type}")
