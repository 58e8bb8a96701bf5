"""From what is typed to events.

Owns what a line means (`lines`), whom it is for (`groups`), what can be completed (`completion`),
brought back (`history`) and gone on with (`resuming`), files that are sent from here (`downloads`),
and that nothing else reads what is typed (`stdin`).
"""
