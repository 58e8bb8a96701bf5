"""All that is used of Gradio, in one place: what 5 and 6 have, and what of it is not public.

1. Nothing is told to Gradio's makers: analytics are off before it is imported.
2. What people send, and what is made of it, lies in a folder of this process alone, which ends with
   it, unless the author has chosen one.
3. Gradio has no types to check against here: its objects are `Any`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from importlib import import_module
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
is_own_folder = "GRADIO_TEMP_DIR" not in os.environ
if is_own_folder:
    os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="chatstate-gradio-")
    atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)

gr: Any = import_module("gradio")
processing: Any = import_module("gradio.processing_utils")
routes: Any = import_module("gradio.routes")
context: Any = import_module("gradio.context")
BlockFunction: Any = import_module("gradio.block_function").BlockFunction
SessionState: Any = import_module("gradio.state_holder").SessionState
_utils: Any = import_module("gradio.utils")

_ABSTRACT = ("Component", "FormComponent", "ComponentBase", "StreamingInput", "StreamingOutput")


def is_app(value: Any) -> bool:
    """Tell whether something is an app, or a part of one, that could be served."""
    return isinstance(value, gr.Blocks)


def cache_folder() -> str:
    """Return the folder that Gradio takes what was sent from."""
    return str(_utils.get_upload_folder())


def bytes_of(size: Any) -> int | None:
    """Return the bytes that `max_file_size` means, as in "5mb"."""
    parsed: int | None = _utils._parse_file_size(size)
    return parsed


def base_kind(component: Any) -> str:
    """Return which of Gradio's own components one is, or is made of: "Textbox", say."""
    own = (class_ for class_ in type(component).__mro__ if _is_gradios(class_))
    name = next((class_.__name__ for class_ in own), type(component).__name__)
    return "Dataframe" if name == "DataFrame" else name


def _is_gradios(class_: type[Any]) -> bool:
    return class_.__module__.startswith("gradio.components.") and class_.__name__ not in _ABSTRACT


def value_of(component: Any, payload: Any) -> Any:
    """Return what a function gets for a payload."""
    model = getattr(component, "data_model", None)
    if model is not None and payload is not None:
        payload = model.model_validate(payload)
    return component.preprocess(payload)


def plain(payload: Any) -> Any:
    """Return a payload without Gradio's classes."""
    return payload.model_dump() if hasattr(payload, "model_dump") else payload
