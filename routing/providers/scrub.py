"""What a vendor says, made fit for our messages: short, without keys, without the prompt."""

from __future__ import annotations

import re

SHOWN_CHARS = 240
_TELLING_CHARS = 4
_WINDOW_CHARS = 24

_KEYS = re.compile(
    r"\b(?:sk|pk|rk|fal|xai|key)-[\w*.-]{6,}"
    r"|\bAIza[\w*-]{8,}"
    r"|\b(?:Bearer|Basic)\s+[\w*.:+/=-]{8,}"
    r"|\b[0-9a-f]{8}-[0-9a-f-]{20,}:[0-9a-f]{16,}"  # fal's
)
_HELD_BACK = "(not shown: it repeats the prompt)"


def scrub(text: str, *, secret: str, prompt: str) -> str:
    """Shorten to one printable line of 240 characters; keys become ``***``, what repeats the prompt is held back."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if secret:
        line = line.replace(secret, "***")
    line = _KEYS.sub("***", line)
    line = line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 3].rstrip() + "..."
    return _HELD_BACK if _repeats(line, " ".join(prompt.split())) else line


def _repeats(line: str, prompt: str) -> bool:
    """Find the prompt, or a piece of it as long as a window, in a line."""
    line, prompt = line.casefold(), prompt.casefold()
    if len(prompt) < _TELLING_CHARS:
        return False
    if len(prompt) < _WINDOW_CHARS:
        return re.search(rf"(?<!\w){re.escape(prompt)}(?!\w)", line) is not None
    return any(line[at : at + _WINDOW_CHARS] in prompt for at in range(len(line) - _WINDOW_CHARS + 1))
