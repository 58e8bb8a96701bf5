"""Kinds of inputs and outputs: how what people say becomes a value, and how a value is shown.

`kind` has `Kind` and `Said`, of which all are made, those of authors too. `texts`, `choosing`,
`media` and `tables` have those that stand for Gradio's components, and `names` what each is called
in `inputs=` and `outputs=`: `input_of` and `output_of` find them there.
"""

from __future__ import annotations

from chatstate.bot.kinds.kind import Kind, Said
from chatstate.bot.kinds.names import Output, input_of, output_of

__all__ = ["Kind", "Output", "Said", "input_of", "output_of"]
