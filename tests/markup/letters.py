"""What is a letter of a text, and what of Markdown is none, as it is markup.

A letter is each character that can be seen but for the punctuation of ASCII, of which markup is
made: of letters, digits, CJK punctuation, emoji and symbols none may be lost. Case is not looked
at, as labels are compared without it. These letters are markup, and may be missing:

1. the names of entities (`&amp;`), which are shown as what they stand for;
2. the x of a task's box, and the number of an item, which are shown as `☑` and as numbers in order;
3. the label of a definition that is used, and that of each link which refers to it;
4. the digits of percent-encoding, if they are shown as what they stand for; the other way round,
   what an address spells by percent-encoding or punycode is shown;
5. the dots of other writing (`。`) in the host of an address, which become dots;
6. the address of a link that has it as its label: it is shown once;
7. the name of the tag that underlines.

What stands in for what cannot be sent (NUL, half of a pair of surrogates) is no letter.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from markdown_it.token import Token

from chatstate.markup import Span, StyledText
from chatstate.markup.grammar import read

Letters = Counter[str]

_ENTITY = re.compile(r"&#?\w{1,31};")
_BOX_OR_NUMBER = re.compile(r"\[[xX]\]|\d{1,9}[.)]")
_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_PUNYCODE = re.compile(r"xn--([a-z0-9-]+)")
_TAG = re.compile(r"</?u>")
_DOTS = "。．｡"  # noqa: RUF001 - that is what they are
_REPLACED = "\ufffd"


def letters(text: str) -> Letters:
    """Count the letters of a text."""
    folded = text.lower().upper()
    return Counter(character for character in folded if _is_letter(character))


def _is_letter(character: str) -> bool:
    is_seen = unicodedata.category(character)[0] not in "ZC" and not character.isspace()
    return is_seen and character not in string.punctuation + _REPLACED


def markup(source: str) -> Letters:
    """Count the letters of some Markdown that may be missing where it is shown."""
    names = (_ENTITY, _BOX_OR_NUMBER, _ENCODED, _TAG)
    found = [name for pattern in names for name in pattern.findall(source)]
    found.extend(dot for dot in source if dot in _DOTS)
    tokens = read(source)
    found.extend(_told_by_labels(tokens))
    labels = Counter(_labels(tokens))
    return letters("".join(found)) + letters(
        "".join(label * (uses + 1) for label, uses in labels.items())
    )


def kept(text: StyledText) -> Letters:
    """Count the letters that a styled text has, with those of addresses and languages."""
    beside = [_beside(text, span) for span in text.spans]
    return sum(beside, shown(text.text))


def shown(text: str) -> Letters:
    """Count the letters of what is shown, also of those that its addresses spell otherwise."""
    decoded = _PUNYCODE.sub(lambda found: found[1].encode().decode("punycode", "replace"), text)
    return letters(text) | letters(unquote(decoded, errors="replace"))


def _beside(text: StyledText, span: Span) -> Letters:
    """Count what a span says that is not in the text."""
    if span.kind == "heading" or text.text[span.start : span.end] == span.value:
        return Counter()
    return shown(span.value)


def _labels(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if label := token.meta.get("label"):
            yield label
        yield from _labels(token.children or ())


def _told_by_labels(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the addresses of links that are their labels, but for `mailto:`."""
    address, label = "", ""
    for token in tokens:
        yield from _told_by_labels(token.children or ())
        if token.type == "link_open":
            address, label = str(token.attrs["href"]), ""
        elif token.type == "link_close":
            if {label, f"mailto:{label}"} & {address, unquote(address)}:
                yield address
        else:
            label += token.content
