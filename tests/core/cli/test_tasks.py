"""`stride tasks` without the harness it runs in."""

from __future__ import annotations

import sys

import pytest

from core.cli.main import main


def test_without_the_extra_it_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    assert main(["tasks", "gsm8k"]) == 1
    assert "[eval]" in capsys.readouterr().err
