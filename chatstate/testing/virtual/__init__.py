"""A world for bots in which time passes at once: what happens there is the same each time.

`loop` is the event loop, `clock` goes by it, `store` is one whose process can be killed, and
`client` is a `TestClient` of all that, whose bots `reloading` loads anew.
"""
