"""From what is typed to events.

Owns what a line means (`lines`), what can be completed (`completion`), and files that are sent from
here (`downloads`).
"""
