"""What each answer of the showcase holds: the name of what was asked, and how much was done."""

from chatstate import Global

Log = Global[list[str]]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
    "000000050001a5f645400000000049454e44ae426082"
)


def mark(log: list[str], name: str) -> str:
    """Note that something was done, and return what tells of it."""
    log.append(name)
    return f"{name} {len(log)}"
