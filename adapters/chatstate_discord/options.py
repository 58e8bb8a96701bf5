"""What can be set of a bot's account on Discord."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1)]
Number = Annotated[int, Meta(ge=0)]
Snowflake = Annotated[str, Meta(pattern=r"^\d+$")]


class DiscordOptions(Struct, frozen=True, kw_only=True):
    """What can be set: each as an option, or in the environment."""

    token: Annotated[str, Meta(description="The bot's token.", extra={"secret": True})] = ""
    groups: Annotated[
        Literal["addressed", "all"],
        Meta(
            description="What to hear in guilds: what mentions or answers the bot, or all, "
            "which needs the Message Content Intent."
        ),
    ] = "addressed"
    members: Annotated[
        bool,
        Meta(description="Be told who leaves, too, which needs the Server Members Intent."),
    ] = False
    guild: Annotated[
        Snowflake | None,
        Meta(
            description="The id of the one guild that gets the slash commands, and at once: "
            "for development."
        ),
    ] = None
    shards: Annotated[
        Count | None,
        Meta(description="How many shards there are; as many as Discord advises otherwise."),
    ] = None
    shard_ids: Annotated[
        tuple[Number, ...], Meta(description="Which of them run here, such as 0,1; all otherwise.")
    ] = ()
    api: Annotated[
        str,
        Meta(description="The address of another server, such as http://127.0.0.1:8082/api/v10."),
    ] = ""
    gateway: Annotated[
        str, Meta(description="The address of its gateway, such as ws://127.0.0.1:8083.")
    ] = ""

    proxy: Annotated[
        str,
        Meta(description="An HTTP proxy, such as http://127.0.0.1:3128; else the environment's."),
    ] = ""

    def __post_init__(self) -> None:
        """Check which shards there can be."""
        if self.shard_ids and self.shards is None:
            raise ValueError("--shard-ids needs --shards: how many there are in all")
        if self.shards and any(number >= self.shards for number in self.shard_ids):
            there = ", ".join(map(str, self.shard_ids))
            raise ValueError(
                f"of {self.shards} shards there are the ids 0 to {self.shards - 1}, not {there}"
            )
