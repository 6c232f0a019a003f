"""Who proposes, and the dialog that tells of all ways of decoding."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.widgets.proposals_box import ProposalsBox
from app.widgets.ways_dialog import ways_dialog
from core.engine.offers import OFFERS, why_not
from core.engine.request import STRATEGIES
from tests.fakes import INFO

BARE = replace(INFO, adapter=None, adapter_path=None, k_max=1)
HEADS = replace(BARE, adapter="heads", heads=2)


def test_every_strategy_is_offered_in_words() -> None:
    assert {one.strategy for one in OFFERS} == set(STRATEGIES)


def test_the_box_takes_what_the_model_can_do_and_keeps_the_wish(qtbot: QtBot) -> None:
    box = ProposalsBox()
    qtbot.addWidget(box)
    box.show_session(INFO)
    assert (box.proposer, box.strategy) == ("mask rows", "confadapt")
    box.show_session(BARE)
    assert (box.proposer, box.strategy) == ("prompt lookup", "prompt_lookup")
    assert "adapter" in box.itemData(0, Qt.ItemDataRole.ToolTipRole)
    box.show_session(HEADS)
    assert box.strategy == "heads"
    box.show_session(INFO)
    assert box.proposer == "mask rows"


def test_a_choice_is_told_once(qtbot: QtBot) -> None:
    box = ProposalsBox()
    qtbot.addWidget(box)
    box.show_session(INFO)
    told: list[str] = []
    box.chosen.connect(told.append)
    box.setCurrentIndex(2)
    box.activated.emit(2)
    assert told == ["prompt lookup"]
    box.show_session(HEADS)
    assert box.proposer == "prompt lookup"


def test_the_dialog_says_what_is_offered_and_why_the_rest_is_not(qtbot: QtBot) -> None:
    dialog = ways_dialog(BARE)
    qtbot.addWidget(dialog)
    said = [label.text() for label in dialog.findChildren(QLabel)]
    for offer in OFFERS:
        assert offer.name in said
        assert offer.words in said
        reason = why_not(offer.strategy, BARE)
        assert f"Not now: {reason}" in said if reason else "toy can do this now." in said
    empty = ways_dialog(None)
    qtbot.addWidget(empty)
    assert "No model is loaded." in [label.text() for label in empty.findChildren(QLabel)]
