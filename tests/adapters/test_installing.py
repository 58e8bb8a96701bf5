"""What to type for a library that is missing: a line that works where the package came from."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from chatstate.adapter import pip_line

Install = Callable[[Mapping[str, Any] | None], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what installs a package as pip would that was given some URL, or a name alone."""

    def install(origin: Mapping[str, Any] | None) -> None:
        folder = tmp_path / "acme_chat-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Name: acme-chat\nVersion: 1.0\n")
        if origin:
            (folder / "direct_url.json").write_text(json.dumps(origin))
        monkeypatch.syspath_prepend(str(tmp_path))

    return install


def test_what_came_from_an_index_is_named(install: Install) -> None:
    """With its extra, if there is one."""
    install(None)
    assert pip_line("acme-chat", "icq") == 'pip install "acme-chat[icq]"'
    assert pip_line("acme-chat") == 'pip install "acme-chat"'


def test_what_nobody_knows_is_named() -> None:
    """A package that is not installed as one may run all the same."""
    assert pip_line("no-such-package", "icq") == 'pip install "no-such-package[icq]"'


@pytest.mark.parametrize(("is_editable", "option"), [(True, " -e"), (False, "")])
@pytest.mark.parametrize("has_pip", [True, False])
def test_what_came_from_a_folder_comes_from_there_again(
    *,
    is_editable: bool,
    option: str,
    has_pip: bool,
    install: Install,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clone is in no index; the pip is that of the same environment, if it has one."""
    install({"url": "file:///home/me/my%20clone", "dir_info": {"editable": is_editable}})
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    if has_pip:
        (tmp_path / "pip").touch()
    pip = tmp_path / "pip" if has_pip else "pip"
    assert pip_line("acme-chat", "icq") == f'{pip} install{option} "/home/me/my clone[icq]"'


def test_what_came_from_a_repository_comes_from_there_again(install: Install) -> None:
    """By its URL."""
    install({"url": "https://example.org/acme", "vcs_info": {"vcs": "git", "commit_id": "abc"}})
    assert pip_line("acme-chat", "icq") == (
        'pip install "acme-chat[icq] @ git+https://example.org/acme"'
    )
