"""What can be set of the console."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class ConsoleOptions(Struct, frozen=True, kw_only=True):
    """What can be set: each as an option, or in the environment."""

    user: Annotated[str, Meta(description="Who speaks.", min_length=1)] = "user"
    chat: Annotated[
        str, Meta(description="Where: NAME in private, #NAME in a group.", min_length=1)
    ] = "console"
    groups: Annotated[
        Literal["addressed", "all"],
        Meta(description="What to hear in groups: what is addressed to the bot, or all."),
    ] = "addressed"
    history: Annotated[
        str,
        Meta(
            description="The file for what is entered at a terminal, or - for none; by default "
            "one for each bot."
        ),
    ] = ""
    resume: Annotated[
        str,
        Meta(
            description="A file that keeps who speaks, where, and what is being typed, so that "
            "the next run at a terminal goes on with it."
        ),
    ] = ""
    files: Annotated[
        str, Meta(description="The folder for files that the bot sends.", min_length=1)
    ] = "chatstate-files"
