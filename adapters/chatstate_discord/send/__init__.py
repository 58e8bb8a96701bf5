"""From replies to calls of Discord's API.

Owns which messages show a reply (`parts`, `markup`), the calls (`calls`, `files`), what their
failures mean (`errors`), and how slash commands and presses are answered (`acknowledging`). Retries
nothing but what is under a nonce: the rest is the engine's.
"""
