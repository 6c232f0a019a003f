"""What all pages of the wizard have in common."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.widgets.card import ScrollPage
from app.wizard.state import WizardState


class WizardPage(ScrollPage):
    """One page over the shared state; it follows the state, and never the other pages.

    Attributes:
        name: What the step is called.

    Signals:
        next_requested: The user is done with the page, as far as they know.
    """

    next_requested = Signal()
    name = ""

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.setAccessibleName(self.name)

    def enter(self) -> None:
        """The page is about to be shown."""

    @property
    def missing(self) -> str:
        """Why one cannot go on from here; "" if one can."""
        return ""
