"""What the framework itself says to people; a language is a file.

`sentences` looks a sentence up by name and by the language of whoever hears it; `en` has all of
them, `de` is German.
"""
