"""Forms as modals, which are one answer to a slash command or a press. Pure functions.

1. A modal's custom id is what began it: the command, or what the pressed button carries. So what is
   submitted says all, in any process and after any restart, and nothing is kept until then.
2. An answer is known by the label of its question.
"""

from __future__ import annotations

from chatstate.adapter import PostField, PostForm
from chatstate_discord.receive.content import Json

QUESTIONS = 5
_TITLE, _LABEL, _ID, _VALUE = 45, 45, 100, 4000
_LABELLED, _INPUT, _LINES = 18, 4, 2


def modal(form: PostForm, began: str) -> Json:
    """Return a form as Discord shows it to who `began` it."""
    components = [_question(field) for field in form.fields]
    return {"custom_id": began, "title": form.title[:_TITLE], "components": components}


def _question(field: PostField) -> Json:
    asked = {"type": _INPUT, "custom_id": field.label[:_ID], "style": _LINES}
    there = {"value": field.answer} if 0 < len(field.answer) <= _VALUE else {}
    return {"type": _LABELLED, "label": field.label[:_LABEL], "component": asked | there}
