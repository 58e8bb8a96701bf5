"""What a bot remembers: declared by `State`, bound to a name and a type, encoded as JSON text.

1. A value comes back the same or is refused, with the path inside it and the remedy.
2. A stored value is never read as what it is not: newer schemas and unknown fields are refused.

`declaration` is what an author writes, `bound` what a bot makes of it, `codec` and `migrations`
what becomes of its values; `sameness` and `differences` compare them, `misfits` tells what is none.
"""
