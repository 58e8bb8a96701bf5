"""Where the documentation leads to elsewhere.

What leads from page to page is looked at by `mkdocs build`, which is strict, and by `test_docs`.
"""

import os
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((https?:[^)\s]*)\)|<(https?:[^>\s]*)>")
_BLOCK = re.compile(r"```.*?```", re.DOTALL)
LINKS = sorted(
    {
        found[1] or found[2]
        for page in PAGES
        for found in _LINK.finditer(_BLOCK.sub("", page.read_text("utf-8")))
    }
)
HOSTS = {
    "core.telegram.org",
    "discord.com",
    "docs.discord.com",
    "github.com",
    "keepachangelog.com",
    "semver.org",
    "t.me",
    "www.standardwebhooks.com",
}
"""Where links lead to. Whoever adds one has looked at it."""


@pytest.mark.parametrize("link", LINKS)
def test_a_link_to_elsewhere_is_one(link: str) -> None:
    """It is encrypted, leads to a host that somebody has looked at, and has a path."""
    parts = urlsplit(link)
    assert parts.scheme == "https"
    assert parts.netloc in HOSTS
    assert parts.path.startswith("/")


def test_no_host_is_known_in_vain() -> None:
    """A link that is gone takes its host along."""
    assert {urlsplit(link).netloc for link in LINKS} == HOSTS


@pytest.mark.skipif("CHATSTATE_LINKS" not in os.environ, reason="CHATSTATE_LINKS is not set")
@pytest.mark.parametrize("link", LINKS)
def test_a_link_to_elsewhere_is_answered(link: str) -> None:
    """By a page, and by the part of it that is named, if it names one."""
    parts = urlsplit(link)
    try:
        socket.getaddrinfo(parts.hostname, 443)
    except OSError as error:
        pytest.skip(f"there is no network: {error}")
    answer = httpx.get(link, follow_redirects=True, timeout=30)
    assert answer.is_success, f"{link} is answered with {answer.status_code}"
    name = re.escape(parts.fragment)
    assert not name or re.search(rf"(?:id|name)=[\"']?{name}\b", answer.text), f"{link}: no {name}"
