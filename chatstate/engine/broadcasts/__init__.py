"""Broadcasts: jobs of the store that say something to many.

`announcing` notes them, `gathering` finds whom they are for, `carrying_out` reaches these one by
one. The store decides who is reached, and when that is over: whatever runs here may end at any
moment.
"""
