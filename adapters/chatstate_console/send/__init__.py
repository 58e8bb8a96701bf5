"""From replies to what is printed.

Owns what the console shows of a reply (`parts`), markup in colour (`markup`, `painting`), what of a
text a terminal may see (`visible`), where files are kept (`files`), and what else prints meanwhile
(`redirection`).
"""
