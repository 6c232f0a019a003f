"""The kinds of adaptation, as users are told of them."""

from __future__ import annotations

from core.model.adapter_info import Kind

KINDS: dict[Kind, tuple[str, str]] = {
    "gated": (
        "Fast, with mask rows",
        "Several tokens a pass, as sure as the threshold asks, or exact. The model itself stays "
        "untouched.",
    ),
    "heads": (
        "Exact, with heads",
        "Small heads behind the model propose, and it checks: always its own words. The model "
        "itself stays untouched.",
    ),
    "full": (
        "Every weight",
        "As in the paper: learns most in a long time on a GPU, and changes the model's own words.",
    ),
}
"""Name and a sentence of each."""
