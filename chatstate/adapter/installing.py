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
    by that, and what came from a folder is installed by the pip beside this Python.
    """
    wanted = f"[{extra}]" if extra else ""
    origin = _origin(package)
    source = source_of(package)
    if not (source and origin.get("url", "").startswith("file:")):
        return f'pip install "{package}{wanted}{f" @ {source}" if source else ""}"'
    pip = Path(sys.executable).with_name("pip")
    editable = " -e" if origin.get("dir_info", {}).get("editable") else ""
    return f'{pip if pip.exists() else "pip"} install{editable} "{source}{wanted}"'


def source_of(package: str) -> str:
    """Return the folder or the repository that a package was installed from; "" for an index."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    origin = _origin(package)
    url = urlsplit(str(origin.get("url", "")))
    if url.scheme == "file":
        return url2pathname(url.path)
    vcs = origin.get("vcs_info", {}).get("vcs")
    return f"{vcs}+{url.geturl()}" if vcs else ""


def _origin(package: str) -> dict[str, Any]:
    """Return where a package came from, if from no index (PEP 610, "Direct URL Origin")."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        told = distribution(package).read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    origin: dict[str, Any] = msgspec.json.decode(told) if told else {}
    return origin
