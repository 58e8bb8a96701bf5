"""From replies to calls of Discord's API.

Owns which messages show a reply (`parts`, `markup`), the calls (`calls`, `requests`), what their
failures mean (`errors`), whether one was made (`finding`), that slash commands and presses are
acknowledged (`acknowledging`), or with a form (`modals`), and how they are answered (`answers`).
Retries nothing but previews: the rest is the engine's.
"""
