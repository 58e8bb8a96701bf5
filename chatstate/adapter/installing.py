"""Where adapters are found that are installed, and what to type for a library that is missing."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import msgspec

ADAPTERS = "chatstate.adapters"
"""The entry points by which adapters are found."""


def table_of(platform: str, name: str) -> Any:
    """Return what the module of an installed adapter has under a name; None if there is nothing."""
    from importlib import import_module
    from importlib.metadata import entry_points

    for point in entry_points(group=ADAPTERS, name=platform):
        with contextlib.suppress(ImportError):  # told when the adapter itself is wanted
            return getattr(import_module(point.module), name, None)
    return None


def pip_line(package: str, extra: str = "") -> str:
    """Return the command that installs a package with an extra, from where it came the first time.

    What came from a folder, such as a clone, or from a repository may be in no index: it is named
    by that, and what came from a folder is installed by the pip beside this Python. (PEP 610,
    "Direct URL Origin", says how that is known.)
    """
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    wanted = f"[{extra}]" if extra else ""
    try:
        told = distribution(package).read_text("direct_url.json")
    except PackageNotFoundError:
        told = None
    origin: dict[str, Any] = msgspec.json.decode(told) if told else {}
    url = urlsplit(str(origin.get("url", "")))
    if url.scheme != "file":
        vcs = origin.get("vcs_info", {}).get("vcs")
        source = f" @ {vcs}+{url.geturl()}" if vcs else ""
        return f'pip install "{package}{wanted}{source}"'
    pip = Path(sys.executable).with_name("pip")
    editable = " -e" if origin.get("dir_info", {}).get("editable") else ""
    folder = url2pathname(url.path)
    return f'{pip if pip.exists() else "pip"} install{editable} "{folder}{wanted}"'
