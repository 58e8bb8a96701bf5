"""Options of Gradio that only a web page has: they are taken, told of in one line, and not used.

1. They are those of `gr.Interface` and `gr.ChatInterface`, from Gradio 4 to 6. Any other option is
   a mistake, and refused.
2. What would change how the function is called cannot be passed over: it is a `BindingError`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypedDict

from chatstate.bot.options import Options
from chatstate.errors import BindingError

log = logging.getLogger("chatstate.bot")


class PageOptions(TypedDict, total=False):
    """What Gradio's interfaces take, and a chat platform has no use for."""

    additional_inputs_accordion: Any
    allow_duplication: Any
    allow_flagging: Any
    analytics_enabled: Any
    api_description: Any
    api_name: Any
    api_visibility: Any
    autofocus: Any
    autoscroll: Any
    batch: Any
    cache_examples: Any
    cache_mode: Any
    chatbot: Any
    clear_btn: Any
    css: Any
    css_paths: Any
    deep_link: Any
    delete_cache: Any
    example_icons: Any
    examples_label: Any
    examples_per_page: Any
    fill_height: Any
    fill_width: Any
    flagging_callback: Any
    flagging_dir: Any
    flagging_mode: Any
    flagging_options: Any
    head: Any
    head_paths: Any
    js: Any
    live: Any
    max_batch_size: Any
    preload_example: Any
    retry_btn: Any
    run_examples_on_click: Any
    save_history: Any
    show_api: Any
    show_progress: Any
    stop_btn: Any
    stream_every: Any
    submit_btn: Any
    textbox: Any
    theme: Any
    time_limit: Any
    undo_btn: Any
    validator: Any


class AnyOptions(Options, PageOptions, total=False):
    """All that an `Interface` takes as an option, beside its own parameters."""


_REFUSED: Mapping[str, str] = {
    "batch": "a function here gets one message at a time; write it for one",
    "validator": "annotate the parameters, as in Annotated[int, Meta(ge=0)], or raise UserError",
}


def taken(bot: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return `options` of a bot without those of a web page, which are told in one line.

    Raises `BindingError` for those that cannot be passed over.
    """
    for name, remedy in _REFUSED.items():
        if options.get(name):
            raise BindingError(f"{name}= of Gradio cannot be taken: {remedy}")
    page = sorted(options.keys() & PageOptions.__optional_keys__)
    if passed_over := [name for name in page if name not in _REFUSED]:
        log.warning("bot %r: only a web page has %s: not used", bot, ", ".join(passed_over))
    return {name: value for name, value in options.items() if name not in page}
