"""From replies to calls of the Bot API.

Owns which calls show a reply (`parts`, `markup`), the calls (`calls`), what their failures mean
(`errors`), how fast they are made (`pace`), and the answers to presses (`acknowledging`). Retries
nothing: that is the engine's.
"""
