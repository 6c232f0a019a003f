"""What looks like a secret or personal data. Patterns, so neither sure nor complete.

All are bounded, so that the time they take grows with the length of a foreign text alone.
"""

from __future__ import annotations

import re

PATTERNS = {
    "a private key": re.compile(
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-[0-9]"
    ),
    "an access key": re.compile(
        r"(?<![A-Za-z0-9])(?:A[KS]IA[0-9A-Z]{16}|gh[pousr]_\w{36}|github_pat_\w{60}"
        r"|hf_[A-Za-z0-9]{30}|sk-[\w-]{20}|[sr]k_live_[A-Za-z0-9]{16}|xox[abprs]-[\w-]{10}"
        r"|AIza[\w-]{35}|glpat-[\w-]{20}|AccountKey=[A-Za-z0-9+/]{20}"
        r"|hooks\.slack\.com/[a-z]{1,20}/[A-Za-z0-9]{8}"
        r"|(?<![\w-])eyJ[\w-]{10,4096}\.eyJ[\w-]{10,4096}\.[\w-]{10}"
        r"|(?i:authorization[\"']?\s?[:=]\s?[\"']?(?:bearer|basic)\s[\w.~+/=-]{8}))"
    ),
    "an e-mail address": re.compile(
        r"(?<![\w.%+-])[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[^\W\d_]{2,24}\b"
    ),
}
GIVEN = re.compile(
    r"(?:pass(?:word|wd|wort|phrase)|(?:api|secret|access)[_-]?key|client[_-]?secret"
    r"|pwd(?<![a-z]pwd)|(?P<vague>token(?<![a-z]token)|secret(?<![a-z]secret)|accesstoken))[\"']?"
    r"(?P<sign>\s{0,3}[:=]\s{0,3})(?P<quote>[\"'`]?)(?P<value>[^\s\"'`]{6,200})"
)
"""A name of something secret, in small letters, and the value it is given."""
EXPRESSION = re.compile(r"[()\[\]{}<>$%]|^[/~.]|,$")
"""What computes, stands for or locates a value, rather than being one."""
CARD = re.compile(
    r"(?<![\w.-])(?:[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}"
    r"|[0-9]{14,19})(?![\w-])"
)
ISSUED = re.compile(
    r"4(?:[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|3[068][0-9]{12}"
    r"|35[0-9]{14}|6[0-9]{15}|62[0-9]{15,17}"
)
"""How payment cards begin, each kind with its length."""


def secrets_in(text: str) -> list[str]:
    """Kinds of secrets that a text seems to hold, never the secrets themselves."""
    found = [kind for kind, pattern in PATTERNS.items() if pattern.search(text)]
    if any(_is_given(match) for match in GIVEN.finditer(text.lower())):
        found.append("a password")
    if any(_is_card(match.group()) for match in CARD.finditer(text)):
        found.append("a card number")
    return found


def _is_given(match: re.Match[str]) -> bool:
    """Whether a value looks like a secret rather than like prose or code.

    In prose a word behind a colon is hardly a secret, unless it ends its line; "token" and
    "secret" are words of many meanings.
    """
    value = match["value"].rstrip(".;:!?")
    has_letter, has_digit = re.search(r"[^\W\d_]", value), re.search(r"\d", value)
    if len(value) < 6 or not (has_letter or has_digit) or EXPRESSION.search(value):
        return False
    if match["vague"]:
        return bool(has_letter and has_digit and len(value) >= 8)
    ends_line = match.string[match.end() : match.end() + 1] in ("", "\n", "\r")
    is_stated = match["quote"] or match["sign"] == "=" or (ends_line and ":" in match["sign"])
    return bool(has_digit or is_stated)


def _is_card(written: str) -> bool:
    """Whether digits pass Luhn's check and begin as payment cards do."""
    number = re.sub(r"[ -]", "", written)
    digits = [int(char) for char in number]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return bool(ISSUED.fullmatch(number)) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
