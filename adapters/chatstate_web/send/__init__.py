"""What a page shows of what the bot says.

Owns styled text as nodes of a page (`nodes`), replies as what is kept of them (`parts`), and the
calls that write, change and delete it (`calls`).
"""
