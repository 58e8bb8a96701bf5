"""From what a handler answered to the platform's acknowledgement, in order and nothing lost.

1. `rendering` makes of an answer the calls that are owed (`outbound`), with `degrade` for what a
   platform lacks, `buttons` for what it cannot carry, and `spool` for files. `abridging` puts what
   nobody would read into one of these.
2. `sender` makes these calls, one line for each conversation; `delivery` knows what to do when
   one does not plainly succeed.
3. Replies are committed with their turn; what becomes of them is noted one by one, afterwards.
"""
