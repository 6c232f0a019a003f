"""The wizard: four steps over one draft, with the way forward and back."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QRadioButton, QStackedWidget, QVBoxLayout, QWidget

from app.context import AppContext
from app.widgets.confirm import confirm_delete
from app.widgets.text import PAGE_MARGIN, SPACE, button, line, muted, title
from app.wizard.files_page import FilesPage
from app.wizard.model_page import ModelPage
from app.wizard.page import WizardPage
from app.wizard.recipe_page import RecipePage
from app.wizard.review_page import ReviewPage
from app.wizard.state import WizardState
from app.workers.inventory import Inventory


class Wizard(QWidget):
    """Plans a training.

    Signals:
        start_requested: `TrainSpec`, `Forecast` or None, and whether to keep chatting.
        left: The user went back to the list; the draft stays.
    """

    start_requested = Signal(object, object, bool)
    left = Signal()

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("New training")
        self.state = WizardState(context, self)
        self.state.failed.connect(context.jobs.failed)
        self._steps: tuple[WizardPage, ...] = (
            ModelPage(context, self.state),
            FilesPage(self.state),
            RecipePage(context, self.state),
            ReviewPage(context, self.state),
        )
        self._pages = QStackedWidget()
        self._where = muted()
        self._where.setWordWrap(False)
        self._where.setTextFormat(Qt.TextFormat.RichText)
        self._why = muted()
        self._last_draft = QWidget()
        self._back = button("Back")
        self._next = button("Next", role="primary")
        self._build()
        self._build_last_draft()
        self._last_draft.hide()
        self._back.clicked.connect(self._on_back)
        self._next.clicked.connect(self._on_next)
        self.state.changed.connect(self._show)
        self._go_to(self.state.draft.page)

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, 0)
        head.addWidget(title("New training"))
        head.addStretch(1)
        head.addWidget(self._where)
        foot = QHBoxLayout()
        foot.setContentsMargins(PAGE_MARGIN, SPACE, PAGE_MARGIN, 3 * SPACE // 2)
        foot.setSpacing(SPACE)
        foot.addWidget(self._back)
        foot.addWidget(self._why, 1)
        foot.addWidget(self._next)
        for step in self._steps:
            step.next_requested.connect(self._next.click)
            self._pages.addWidget(step)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._last_draft)
        layout.addWidget(self._pages, 1)
        layout.addWidget(line())
        layout.addLayout(foot)

    def _build_last_draft(self) -> None:
        anew = button("Begin anew", role="quiet")
        anew.clicked.connect(self._on_anew)
        told = muted("Your last draft, as you left it.")
        told.setWordWrap(False)
        row = QHBoxLayout(self._last_draft)
        row.setContentsMargins(PAGE_MARGIN, 0, PAGE_MARGIN, 0)
        row.addWidget(told)
        row.addWidget(anew)
        row.addStretch(1)

    @Slot(object)
    def show_inventory(self, inventory: Inventory) -> None:
        """Take in what is on this machine now."""
        was_there = self.state.model is not None
        self.state.show_inventory(inventory)
        if self.isVisible() and not was_there:
            self.enter()

    def enter(self) -> None:
        """The wizard is about to be shown, perhaps with the draft of an earlier start."""
        if self.state.look is None and not self.state.is_reading:
            self.state.read_files()
        self._last_draft.setVisible(self.state.draft.is_begun)
        self.page.enter()
        self._focus_page()

    @Slot()
    def _on_anew(self) -> None:
        if confirm_delete(self, "Delete this draft and begin anew?"):
            self.begin_anew()

    def begin_anew(self) -> None:
        """Forget the draft and show the first page."""
        self.state.begin_anew()
        self._last_draft.hide()
        self._go_to(0)

    @property
    def page(self) -> WizardPage:
        """The page that is shown."""
        return self._steps[self._pages.currentIndex()]

    def _go_to(self, number: int) -> None:
        number = min(max(number, 0), len(self._steps) - 1)
        self._pages.setCurrentIndex(number)
        self.state.update(page=number)
        self._show()
        self._focus_page()

    def _focus_page(self) -> None:
        """Put the keyboard to the first field of the page."""
        one = self.page.nextInFocusChain()
        while one is not None and one is not self.page:
            if self.page.isAncestorOf(one) and _is_stop(one):
                one.setFocus(Qt.FocusReason.TabFocusReason)
                return
            one = one.nextInFocusChain()

    @Slot()
    def _show(self) -> None:
        number = self._pages.currentIndex()
        names = [
            f"{place + 1} {step.name}" if place != number else f"<b>{place + 1} {step.name}</b>"
            for place, step in enumerate(self._steps)
        ]
        self._where.setText("&nbsp; › &nbsp;".join(names))
        self._where.setAccessibleName(f"Step {number + 1} of {len(names)}: {self.page.name}")
        self._back.setText("Back" if number else "Back to the list")
        is_last = number == len(self._steps) - 1
        self._next.setText("Start training" if is_last else "Next")
        missing = self.page.missing
        self._next.setEnabled(not missing)
        self._why.setText("" if is_last else missing)

    @Slot()
    def _on_back(self) -> None:
        if self._pages.currentIndex() == 0:
            self.state.stop()
            self.left.emit()
        else:
            self._go_to(self._pages.currentIndex() - 1)
            self.page.enter()

    @Slot()
    def _on_next(self) -> None:
        if self._pages.currentIndex() < len(self._steps) - 1:
            self._go_to(self._pages.currentIndex() + 1)
            self.page.enter()
            return
        plan = self.state.plan
        if plan is not None and plan.spec is not None:
            found = self.state.forecast
            self.start_requested.emit(plan.spec, found, self.state.draft.keep_chatting)


def _is_stop(one: QWidget) -> bool:
    """Whether one can write or choose there by the keyboard; of radio buttons in the chosen one."""
    if isinstance(one, QRadioButton):  # Qt moves the tab stop only once one has the focus
        return one.isChecked() and one.isVisible()
    has_stop = bool(one.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return has_stop and one.isVisible() and one.isEnabled()
