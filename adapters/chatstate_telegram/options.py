"""What can be set of a bot account on Telegram."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

API = "https://api.telegram.org/bot"

SENT_BYTES, RECEIVED_BYTES = 50_000_000, 20_000_000
LOCAL_BYTES = 2_000_000_000
"""What a Bot API server takes and gives that is run with --local."""

Seconds = Annotated[float, Meta(gt=0)]
Size = Annotated[int, Meta(ge=1)]


class TelegramOptions(Struct, frozen=True, kw_only=True):
    """What can be set: each as an option, or in the environment."""

    token: Annotated[
        str, Meta(description="The bot's token, from @BotFather.", extra={"secret": True})
    ] = ""
    api: Annotated[
        str, Meta(description="The address of a Bot API server; it ends with /bot.", min_length=1)
    ] = API
    local: Annotated[
        str | None,
        Meta(description="The folder in which a Bot API server run with --local keeps its files."),
    ] = None
    file_bytes: Annotated[
        Size | None,
        Meta(description="The largest file that is sent; 50 MB otherwise, 2 GB to a local server."),
    ] = None
    received_bytes: Annotated[
        Size | None,
        Meta(description="The largest file that is fetched; 20 MB, or 2 GB of a local server."),
    ] = None
    groups: Annotated[
        Literal["addressed", "all"],
        Meta(description="What to hear in groups: what is addressed to the bot, or all."),
    ] = "addressed"
    rich: Annotated[
        bool,
        Meta(description="Send what has tables as rich messages, which apps of before 2026 lack."),
    ] = False
    webhook: Annotated[
        str | None, Meta(description="The https URL that updates are posted to.")
    ] = None
    listen: Annotated[
        str | None, Meta(description="HOST:PORT at which the webhook is waited for.")
    ] = "127.0.0.1:8080"
    max_connections: Annotated[
        int, Meta(description="How many updates are posted at once.", ge=1, le=100)
    ] = 40
    poll_seconds: Annotated[
        int, Meta(description="How long a poll waits for updates.", ge=0, le=50)
    ] = 30
    patience: Annotated[
        Seconds, Meta(description="Seconds after which a press is answered, though its turn runs.")
    ] = 2.0
    look_seconds: Annotated[
        Seconds, Meta(description="How often to look whether the webhook is still known.")
    ] = 60.0
