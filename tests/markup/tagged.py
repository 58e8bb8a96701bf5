"""Styled text as a line to compare with: spans as tags."""

from chatstate.markup import Close, Open, StyledText, walk


def tagged(text: StyledText) -> str:
    """Return a text with its spans as tags, `<link=URL>label</link>`; of a table without cells."""
    shown: list[str] = []
    for event in walk(text):
        match event:
            case Open(span):
                value = "" if span.kind == "table" else span.value
                shown.append(f"<{span.kind}{'=' * bool(value)}{value}>")
            case Close(span):
                shown.append(f"</{span.kind}>")
            case str():
                shown.append(event)
    return "".join(shown)
