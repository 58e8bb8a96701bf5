"""Other systems that post events to a page, signed."""

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
from adapters.web_page import HOST
from starlette.types import ASGIApp

SECRET = "correct-horse-battery"  # noqa: S105 - of nothing
KEYS = f"""
[signing.ci]
secret = "{SECRET}"
conversations = ["builds", "builds/*", "ada"]
identities = ["ci", "ada"]

[signing.cron]
secret = "whsec_{base64.b64encode(b"another-secret-of-32-bytes").decode()}"
conversations = ["*"]
identities = ["cron"]

[tokens]
ada = "a-token-of-ada's"
bob = "a-token-of-bob's"
"""


def keys_in(folder: Path, text: str = KEYS) -> str:
    """Return the path of a file that has keys."""
    path = folder / "keys.toml"
    path.write_text(text)
    return str(path)


def signed(
    key: str, body: bytes, secret: bytes = SECRET.encode(), at: float | None = None
) -> dict[str, str]:
    """Return the headers that sign a post."""
    told = str(int(time.time() if at is None else at))
    digest = hmac.digest(secret, b"%s.%s.%s" % (key.encode(), told.encode(), body), hashlib.sha256)
    signature = base64.b64encode(digest).decode()
    return {
        "webhook-id": key,
        "webhook-timestamp": told,
        "webhook-signature": f"v1,{signature}",
    }


class Sender:
    """A system that posts."""

    def __init__(self, page: ASGIApp) -> None:
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(page), base_url=HOST)

    async def post(
        self,
        key: str,
        text: str = "hi",
        *,
        wait: int = 9,
        secret: bytes = SECRET.encode(),
        **more: Any,
    ) -> httpx.Response:
        """Post an event; return the answer."""
        event = {"conversation": "builds", "identity": "ci", "text": text, **more}
        return await self.send(key, msgspec.json.encode(event), wait=wait, secret=secret)

    async def send(
        self,
        key: str,
        body: bytes,
        *,
        wait: int = 9,
        secret: bytes = SECRET.encode(),
        at: float | None = None,
        **headers: str,
    ) -> httpx.Response:
        """Post a body, with other headers in place of right ones; return the answer."""
        given = {**signed(key, body, secret, at), "Prefer": f"wait={wait}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/events", content=body, headers=given)

    async def look(self, key: str, wait: int = 9) -> httpx.Response:
        """Ask what became of an event."""
        headers = {**signed(key, b""), "Prefer": f"wait={wait}"}
        return await self.client.get(f"/events/{key}", headers=headers)


def texts(answer: httpx.Response) -> list[str]:
    """Return the words of the replies, which must be there."""
    told = answer.raise_for_status().json()
    assert told["status"] == "done"
    return [reply["text"] for reply in told["replies"]]
