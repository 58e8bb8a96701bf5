"""From what a handler answered to the platform's acknowledgement, in order and nothing lost.

1. `rendering` makes of an answer the calls that are owed (`outbound`): of a reply a post (`posts`)
   with what hangs on it (`hanging`), without what the platform lacks (`degrade`, and `choices`
   for what people choose from), its files in the `spool`. `abridging` puts what nobody would
   read into a file.
2. `buttons` reads what a press means, and `marks` what buttons stand for that change.
3. `sender` makes these calls, one line for each conversation; `delivery` knows what to do when
   one does not plainly succeed.
4. Replies are committed with their turn; what becomes of them is noted one by one, afterwards.
"""
