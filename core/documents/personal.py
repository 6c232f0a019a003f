"""What looks like a secret or personal data. Patterns, so neither sure nor complete."""

from __future__ import annotations

import re

PATTERNS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
    "an access key": re.compile(
        r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{36,255}|github_pat_\w{60,255}|hf_[A-Za-z0-9]{30,255}"
        r"|sk-[\w-]{20,255}|xox[abprs]-[\w-]{10,255}|AIza[\w-]{35}|glpat-[\w-]{20,255})"
    ),
    "a password": re.compile(
        r"\b(?:password|passwd|passwort|api[_-]?key|secret[_-]?key|access[_-]?token)\b"
        r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?[^\s\"']{8,}",
        re.IGNORECASE,
    ),
    "an e-mail address": re.compile(
        r"\b[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}\b"
    ),
}
CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")


def secrets_in(text: str) -> list[str]:
    """Kinds of secrets that a text seems to hold, never the secrets themselves."""
    found = [kind for kind, pattern in PATTERNS.items() if pattern.search(text)]
    if any(_is_card(match.group()) for match in CARD.finditer(text)):
        found.append("a card number")
    return found


def _is_card(written: str) -> bool:
    """Whether digits pass Luhn's check and begin as payment cards do."""
    digits = [int(char) for char in written if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return digits[0] in (2, 3, 4, 5, 6) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
