"""From what is typed to events.

Owns what a line means (`lines`), whom it is for (`groups`), what can be completed (`completion`)
and brought back (`history`), files that are sent from here (`downloads`), and that nothing else
reads what is typed (`stdin`).
"""
