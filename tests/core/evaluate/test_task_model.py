"""The decoder as a model of lm-eval, on a task file of our own: with the extra `eval` only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli.main import main
from core.control import Cancel
from core.evaluate.measure import NEXT_TOKEN, Way
from tests.core.engine.harness import toy_session
from tests.core.toy import save_toy

pytest.importorskip("lm_eval")
# The harness and the data libraries it brings warn of their own affairs.
pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore")]

TASK = """
task: toy_counting
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n\\n"], max_gen_toks: 6}}
metric_list: [{{metric: exact_match}}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one task of two questions."""
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    data = tasks / "rows.jsonl"
    rows = ({"question": "one", "answer": "1"}, {"question": "two", "answer": "2"})
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tasks / "toy_counting.yaml").write_text(TASK.format(data=data), encoding="utf-8")
    return tasks


def test_every_way_answers_a_task_of_our_own(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    model = save_toy(tmp_path / "toy")
    named = ["tasks", "toy_counting", "--model", str(model), "--include", str(folder)]
    assert main([*named, "--thresholds", "0.9,0.3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [one["strategy"] for one in report["results"]] == ["next_token", *["confadapt"] * 2]
    for one in report["results"]:
        assert one["answers"] == 2
        assert one["scores"]["toy_counting"]["exact_match,none"] == 0.0


def test_the_harness_finds_the_decoder_by_its_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lm_eval
    from lm_eval.tasks import TaskManager

    import core.evaluate.task_model  # noqa: F401

    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    model = save_toy(tmp_path / "toy")
    found = lm_eval.simple_evaluate(
        "stride",
        f"model={model},adapter=none,strategy=next_token,dtype=float32",
        tasks=["toy_counting"],
        device="cpu",
        batch_size=1,
        task_manager=TaskManager(include_path=str(folder)),
    )
    assert found["results"]["toy_counting"]["exact_match,none"] == 0.0
    assert found["config"]["model"] == "stride"


def test_turns_reach_the_model_as_turns() -> None:
    from core.evaluate.task_model import TURNS, TaskModel

    model = TaskModel(toy_session(), NEXT_TOKEN, Cancel())
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say one."}]
    text = model.apply_chat_template(turns)
    assert text.startswith(TURNS)
    asked = []
    model._session.stream = lambda request, *_: asked.append(request) or iter(())  # type: ignore[method-assign]
    with pytest.raises(IndexError):  # the stream gives nothing
        model._answer(text, {"until": ["\n"], "max_gen_toks": 5})
    (request,) = asked
    assert [(one.role, one.content) for one in request.messages] == [
        ("system", "Be brief."),
        ("user", "Say one."),
    ]
    assert (request.max_new_tokens, request.stop, request.strategy) == (5, ("\n",), "next_token")


def test_a_task_that_compares_likelihoods_gets_a_sentence() -> None:
    from core.errors import KnownError
    from core.evaluate.task_model import TaskModel

    model = TaskModel(toy_session(), Way("confadapt", 0.9), Cancel())
    with pytest.raises(KnownError, match="likelihood"):
        model.loglikelihood([1, 2])
