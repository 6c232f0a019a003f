"""Formulas that read well, and those that had better stay as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.markdown.latex import to_unicode


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"x^2 + y_{10}", "x² + y₁₀"),
        (r"\frac{a+b}{2}", "(a+b)/2"),
        (r"\sqrt[3]{x}", "∛x"),
        (r"\sqrt{n+1}", "√(n+1)"),
        (r"\sum_{i=1}^{n} i", "∑ᵢ₌₁ⁿ i"),
        (r"e^{i\pi} = -1", "e^(iπ) = −1"),
        (r"\mathbb{R}", "ℝ"),
        (r"\text{if } x \in A", "if x ∈ A"),
        (r"\sin x", "sin x"),
        (r"\left( \alpha \right)", "( α )"),
    ],
)
def test_readable(latex: str, shown: str) -> None:
    assert to_unicode(latex) == shown


@pytest.mark.parametrize(
    "latex", [r"\nosuch", "{", "}", "^", r"\frac{1}", "", r"\sqrt[", "{" * 500]
)
def test_left_as_it_is(latex: str) -> None:
    assert to_unicode(latex) is None


@given(st.text(alphabet="ab12\\{}^_$ &[]frac", max_size=60))
def test_no_text_breaks_it(latex: str) -> None:
    shown = to_unicode(latex)
    assert shown is None or isinstance(shown, str)
