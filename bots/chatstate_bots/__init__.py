"""Bots that are shipped with chatstate, to try it and to read."""
