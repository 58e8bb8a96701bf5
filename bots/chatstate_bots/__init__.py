"""Bots that are shipped with chatstate, to try it and to read.

`history_echo` remembers for each person, `score_tracker` for everybody together.
"""
