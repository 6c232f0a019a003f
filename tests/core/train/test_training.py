"""A whole training on the toy model: learns, stops, resumes, and its adapter loads again."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from core.control import Cancel, Threshold
from core.documents.records import Row
from core.engine.request import LoadSpec, Message, Request
from core.engine.session import open_session
from core.errors import KnownError
from core.evaluate.prompts import read_prompts
from core.events import (
    CheckpointSaved,
    EvalDone,
    PassDone,
    RunEnded,
    RunStarted,
    StepDone,
    StepsPlanned,
)
from core.history.training import HELD_OUT_FILE
from core.jsonl import read_events
from core.model.adapter_info import AdapterInfo, adapter_draft, choose_adapter, read_adapter_info
from core.model.mask_token import MASK_TOKEN, add_mask_token
from core.paths import user_paths
from core.settings import Settings
from core.train.child import train
from core.train.data import split_rows, written_rows
from core.train.durable import put_in_place
from core.train.evaluation import held_out_prompts
from core.train.loop import Training
from core.train.plan import plan_spec
from core.train.process import TrainingProcess, find_run, new_run
from core.train.reader import Reader
from core.train.rows import ROWS_FILE
from core.train.spec import TrainSpec, read_settings, read_spec, write_spec
from core.train.wishes import Wishes
from tests.core.engine.harness import toy_session
from tests.core.toy import save_toy, toy_model, toy_tokenizer


@pytest.fixture
def spec(tmp_path) -> TrainSpec:
    save_toy(tmp_path / "toy")
    rows = [
        {"prompt": f"Say {word}.", "response": " ".join([word] * 12)}
        for word in ("the", "ant", "hen", "bear", "tin", "ring", "pot", "log", "fox", "owl")
    ]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return TrainSpec(
        model=str(tmp_path / "toy"),
        out=str(tmp_path / "adapter"),
        data=(str(data),),
        steps=6,
        k_max=4,
        rank=4,
        sequences=4,
        micro_sequences=2,
        mask_rows=24,
        context=128,
        eval_every=3,
        eval_rows=2,
        save_every=2,
        warmup_steps=2,
        device="cpu",
        dtype="float32",
    )


def losses(run_dir) -> list[float]:
    events = read_events(run_dir / "events.jsonl")
    return [event.loss for event in events if isinstance(event, StepDone)]


class StopAfter(Wishes):
    """Wishes to stop after so many steps; None never does."""

    def __init__(self, run_dir: Path, steps: int | None) -> None:
        super().__init__(run_dir)
        self._events = run_dir / "events.jsonl"
        self._last = None if steps is None else self._done() + steps

    def stop(self) -> bool:
        return self._last is not None and self._done() >= self._last

    def _done(self) -> int:
        return self._events.read_text().count('"step_done"') if self._events.is_file() else 0


def run_training(spec: TrainSpec, run_dir, stop_after: int | None = None) -> None:
    run_dir.mkdir(exist_ok=True)
    training = Training(spec, run_dir, user_paths(), StopAfter(run_dir, stop_after))
    training.run()
    training.write_adapter()


def test_training_writes_events_checkpoints_and_an_adapter(spec, tmp_path) -> None:
    run_dir = tmp_path / "run"
    run_training(spec, run_dir)
    events = list(read_events(run_dir / "events.jsonl"))
    kinds = [type(event) for event in events]
    assert kinds.count(StepDone) == 6
    assert kinds.count(EvalDone) == 2
    assert kinds.count(CheckpointSaved) == 3
    steps = [event.step for event in events if isinstance(event, StepDone)]
    assert steps == [1, 2, 3, 4, 5, 6]
    started = next(event for event in events if isinstance(event, RunStarted))
    assert started.total_steps == 6
    evaluated = next(event for event in events if isinstance(event, EvalDone))
    assert len(evaluated.agreement_by_slot) == 3
    assert len(list((run_dir / "checkpoints").iterdir())) == 2
    info = read_adapter_info(tmp_path / "adapter")
    assert (info.kind, info.k_max, info.rank) == ("gated", 4, 4)
    assert info.training["steps"] == 6


def check_resume(spec: TrainSpec, tmp_path: Path) -> None:
    """A resumed run has the losses of an uninterrupted one."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_training(spec, whole)
    run_training(spec, parts, stop_after=3)
    run_training(spec, parts)
    assert losses(parts) == losses(whole)


def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(spec, tmp_path) -> None:
    check_resume(spec, tmp_path)


def test_one_token_decoding_is_untouched_and_several_tokens_come(spec, tmp_path) -> None:
    run_training(dataclasses.replace(spec, steps=40, learning_rate=1e-2), tmp_path / "run")

    def answer(adapter: str, threshold: float) -> list[PassDone]:
        wish = LoadSpec(spec.model, adapter=adapter, device="cpu", dtype="float32")
        session = open_session(wish, user_paths(), Settings(), lambda *_: None)
        request = Request((Message("user", "Say the."),), max_new_tokens=24)
        events = session.stream(request, Cancel(), Threshold(threshold))
        return [event for event in events if isinstance(event, PassDone)]

    def ids(passes: list[PassDone]) -> list[int]:
        return [token for one in passes for token in one.token_ids]

    base = answer("none", 0.9)
    assert ids(answer(spec.out, 1.0)) == ids(base)
    blocks = answer(spec.out, 0.0)
    assert len(blocks) < len(base)
    assert max(len(one.token_ids) for one in blocks) == 4


def test_training_goes_on_from_an_adapter(spec, tmp_path) -> None:
    run_training(spec, tmp_path / "first")
    still = {"learning_rate": 0.0, "vector_learning_rate": 0.0, "steps": 1}
    more = dataclasses.replace(spec, start_from=spec.out, out=str(tmp_path / "second"), **still)
    run_training(more, tmp_path / "run2")
    first, second = (
        load_file(tmp_path / name / "adapter.safetensors") for name in ("adapter", "second")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    for change in ({"rank": 8}, {"slot_vectors": False}):
        with pytest.raises(KnownError, match=next(iter(change))):
            run_training(dataclasses.replace(more, **change), tmp_path / "run3")


def test_full_training_saves_a_model_with_its_mask_token(spec, tmp_path) -> None:
    full = dataclasses.replace(spec, kind="full", steps=2, learning_rate=1e-3)
    run_training(full, tmp_path / "run")
    wish = LoadSpec(spec.model, adapter=full.out, device="cpu", dtype="float32")
    session = open_session(wish, user_paths(), Settings(), lambda *_: None)
    request = Request((Message("user", "Say the."),), max_new_tokens=9)
    passes = [
        event
        for event in session.stream(request, Cancel(), Threshold(0.0))
        if isinstance(event, PassDone)
    ]
    mask_id = session.loaded.masks.mask_id
    assert sum(len(one.token_ids) for one in passes) <= 9
    assert all(mask_id not in one.proposed_ids for one in passes)
    assert len(passes[0].proposed_ids) == 4


def test_a_training_begins_from_no_adapter_that_was_merely_used_last(spec, tmp_path) -> None:
    run_training(dataclasses.replace(spec, steps=1), tmp_path / "run")
    used = Settings(last_adapter={Path(spec.model).name: spec.out})
    wishes = {"model": spec.model, "out": str(tmp_path / "next"), "data": spec.data, "steps": 1}
    assert plan_spec(wishes, user_paths(), used).start_from == "none"
    wishes["start_from"] = spec.out
    assert plan_spec(wishes, user_paths(), used).start_from == spec.out


def test_soft_teacher_trains(spec, tmp_path) -> None:
    run_training(dataclasses.replace(spec, teacher="soft", steps=2), tmp_path / "run")
    assert all(loss > 0 for loss in losses(tmp_path / "run"))


def test_full_training_in_bfloat16_with_the_loss_in_many_pieces(
    spec, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("core.train.losses.PIECE_ROWS", 5)
    full = dataclasses.replace(spec, kind="full", dtype="bfloat16", eval_every=1, steps=2)
    AcceleratorState._reset_state(reset_partial_state=True)  # it knows one precision a process
    try:
        run_training(full, tmp_path / "run")
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
    assert all(0 < loss < 20 for loss in losses(tmp_path / "run"))


def test_minutes_are_counted_anew_by_the_pace(spec, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("core.train.step_count.STEPS_BETWEEN", 2)
    timed = dataclasses.replace(spec, steps=None, minutes=0.06, eval_every=1000)
    run_training(timed, tmp_path / "run")
    events = list(read_events(tmp_path / "run" / "events.jsonl"))
    plans = [event.total_steps for event in events if isinstance(event, StepsPlanned)]
    steps = [event.step for event in events if isinstance(event, StepDone)]
    assert plans
    assert steps[-1] == plans[-1]


def test_an_adapter_for_another_base_is_refused(spec, tmp_path) -> None:
    run_training(dataclasses.replace(spec, steps=1), tmp_path / "run")
    save_toy(tmp_path / "other", seed=5)
    with pytest.raises(KnownError, match="belongs to toy"):
        choose_adapter(spec.out, tmp_path / "other", user_paths(), Settings())


def test_minutes_become_steps_by_a_probe(spec, tmp_path) -> None:
    timed = dataclasses.replace(spec, steps=None, minutes=0.05, eval_every=1000)
    run_training(timed, tmp_path / "run", stop_after=1)
    plan = json.loads((tmp_path / "run" / "plan.json").read_text())
    run_training(timed, tmp_path / "run", stop_after=1)
    starts = [
        event
        for event in read_events(tmp_path / "run" / "events.jsonl")
        if isinstance(event, RunStarted)
    ]
    assert [start.total_steps for start in starts] == [plan["steps"]] * 2
    assert starts[1].first_step == 1


def test_the_child_reports_its_end_and_a_failure(spec, tmp_path) -> None:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    write_spec(run_dir / "spec.json", dataclasses.replace(spec, data=(str(tmp_path / "no"),)))
    with pytest.raises(KnownError, match="does not exist"):
        train(run_dir)
    ended = list(read_events(run_dir / "events.jsonl"))[-1]
    assert isinstance(ended, RunEnded)
    assert ended.state == "failed"


def test_a_run_whose_folder_is_locked_meanwhile_says_how_far_it_came(
    spec, tmp_path, monkeypatch
) -> None:
    def locked(draft: Path, place: Path) -> None:
        if place.name.endswith("4"):
            raise PermissionError(errno.EPERM, "Operation not permitted", str(draft))
        put_in_place(draft, place)

    monkeypatch.setattr("core.train.checkpoint.put_in_place", locked)
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    write_spec(run_dir / "spec.json", spec)
    with pytest.raises(KnownError, match="writable again"):
        train(run_dir)
    ended = list(read_events(run_dir / "events.jsonl"))[-1]
    assert isinstance(ended, RunEnded)
    assert (ended.state, ended.step) == ("failed", 4)
    assert ended.supervised > 0


def test_the_process_stops_at_a_wish_and_leaves_an_adapter(spec) -> None:
    run_dir = new_run(dataclasses.replace(spec, steps=100_000), user_paths())
    assert find_run(run_dir.name, user_paths()) == run_dir
    process = TrainingProcess(run_dir)
    stop = Cancel()
    last = None
    for event in process.events(stop):
        if isinstance(event, StepDone):
            stop.set()
        last = event
    assert isinstance(last, RunEnded)
    assert last.state == "stopped"
    assert last.adapter == spec.out
    assert process.exit_code == 0


def test_what_must_end_at_once_is_not_evaluated_again(spec, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Wishes, "is_urgent", True)
    run_training(spec, tmp_path / "run", stop_after=4)
    events = list(read_events(tmp_path / "run" / "events.jsonl"))
    assert [one.step for one in events if isinstance(one, EvalDone)] == [3]
    assert [one.step for one in events if isinstance(one, CheckpointSaved)][-1] == 4
    assert read_adapter_info(tmp_path / "adapter").training["steps"] == 4


def test_a_running_training_is_not_started_twice(spec) -> None:
    run_dir = new_run(dataclasses.replace(spec, steps=100_000), user_paths())
    process = TrainingProcess(run_dir)
    with pytest.raises(KnownError, match="still running"):
        TrainingProcess(run_dir)
    stop = Cancel()
    stop.set()
    assert isinstance(list(process.events(stop))[-1], RunEnded)


def test_a_resumed_run_keeps_the_rows_of_its_start(spec, tmp_path) -> None:
    run_training(spec, tmp_path / "run", stop_after=2)
    Path(spec.data[0]).unlink()
    run_training(spec, tmp_path / "run")
    assert len(losses(tmp_path / "run")) == 6


def test_what_was_held_out_becomes_prompts_of_a_bench(spec, tmp_path) -> None:
    run_dir = tmp_path / "run"
    run_training(dataclasses.replace(spec, steps=1), run_dir)
    prompts = read_prompts(run_dir / HELD_OUT_FILE)
    held_out = split_rows(written_rows(run_dir / ROWS_FILE), spec.eval_rows, spec.seed)[1]
    assert [one.messages for one in prompts] == [row.messages[:-1] for row in held_out]


def test_of_a_longer_chat_all_turns_are_kept_and_blank_prompts_left_out() -> None:
    chat = (Message("system", "Be brief."), Message("user", "Hello"))
    rows = [
        Row((*chat, Message("assistant", "Hi."))),
        Row((Message("user", " "), Message("assistant", "Hi."))),
        Row(text="plain " * 10),
        Row((Message("user", "x" * 400), Message("assistant", "Hi."))),  # no room for an answer
    ]
    first, second = held_out_prompts(toy_session(), rows)
    assert (first.prompt, first.messages) == ("Hello", chat)
    assert (second.prompt, second.turns) == (("plain " * 10).strip(), ())


def test_rows_without_room_for_an_answer_are_refused(spec, tmp_path) -> None:
    with pytest.raises(KnownError, match="No row has an answer"):
        run_training(dataclasses.replace(spec, context=4), tmp_path / "run")


def test_a_few_rows_train_without_held_out_ones(spec, tmp_path) -> None:
    rows = Path(spec.data[0])
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:3]))
    timed = dataclasses.replace(spec, steps=None, minutes=0.03)
    run_training(timed, tmp_path / "run", stop_after=1)
    assert len(losses(tmp_path / "run")) == 1
    assert not (tmp_path / "run" / HELD_OUT_FILE).exists()


def test_specs_are_checked(spec, tmp_path) -> None:
    path = tmp_path / "spec.json"
    write_spec(path, spec)
    assert read_spec(path) == spec
    wrong = (
        *({"k_min": 1}, {"steps": None}, {"data": ()}, {"micro_sequences": 3}),
        *({"steps": 0}, {"steps": None, "minutes": 0.0}, {"warmup_steps": 0}, {"eval_rows": -1}),
    )
    for change in wrong:
        with pytest.raises(KnownError):
            dataclasses.replace(spec, **change).check()
    path.write_text('{"model": "m", "out": "o", "speed": 3}')
    with pytest.raises(KnownError, match="speed"):
        read_spec(path)


def test_adapter_weights_are_small_and_half(spec, tmp_path) -> None:
    run_training(dataclasses.replace(spec, steps=1), tmp_path / "run")
    weights = load_file(tmp_path / "adapter" / "adapter.safetensors")
    assert {one.dtype for one in weights.values()} == {torch.bfloat16}
    assert not any("lm_head" in name or "embed" in name for name in weights)


def test_micro_batches_change_nothing_but_the_memory_needed(spec, tmp_path) -> None:
    """Every slot of a step weighs the same, however the step's rows are split."""
    rows = Path(spec.data[0])
    short = json.dumps({"prompt": "Say a.", "response": "a"})
    rows.write_text(rows.read_text() + f"{short}\n" * 2)
    for micro in (1, 4):
        changed = dataclasses.replace(spec, micro_sequences=micro, out=str(tmp_path / str(micro)))
        run_training(changed, tmp_path / f"run{micro}")
    one, four = losses(tmp_path / "run1"), losses(tmp_path / "run4")
    assert one == pytest.approx(four, rel=1e-3)


def test_a_torn_event_is_cut_off_before_the_run_goes_on(spec, tmp_path) -> None:
    run_dir = tmp_path / "run"
    run_training(spec, run_dir, stop_after=2)
    with (run_dir / "events.jsonl").open("a") as file:
        file.write('{"event":"step_do')
    run_training(spec, run_dir)
    assert len(losses(run_dir)) == 6


def test_a_full_disk_leaves_the_older_adapter_as_it_was(spec, tmp_path, monkeypatch) -> None:
    run_training(dataclasses.replace(spec, steps=1), tmp_path / "run")
    before = {file.name: file.read_bytes() for file in Path(spec.out).iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.model.loading.save_file", full)
    with pytest.raises(KnownError, match="No space left"):
        run_training(spec, tmp_path / "run2")
    assert {file.name: file.read_bytes() for file in Path(spec.out).iterdir()} == before


def test_seconds_and_slots_count_over_all_starts(spec, tmp_path) -> None:
    run_training(spec, tmp_path / "run", stop_after=3)
    [*_, newest] = sorted((tmp_path / "run" / "checkpoints").iterdir())
    state = torch.load(newest / "optimizer.pt", weights_only=True)
    torch.save({**state, "seconds": 100.0}, newest / "optimizer.pt")
    run_training(spec, tmp_path / "run")
    both = read_adapter_info(Path(spec.out)).training
    events = read_events(tmp_path / "run" / "events.jsonl")
    steps = [event for event in events if isinstance(event, StepDone)]
    assert both["supervised_slots"] == sum(one.supervised for one in steps)
    assert 100 <= both["seconds"] < 200


def test_a_start_is_announced_before_its_first_evaluation(spec, tmp_path) -> None:
    timed = dataclasses.replace(spec, steps=None, minutes=0.05, eval_every=1000)
    run_training(timed, tmp_path / "run", stop_after=1)
    told = [
        event
        for event in read_events(tmp_path / "run" / "events.jsonl")
        if isinstance(event, RunStarted | EvalDone)
    ]
    assert isinstance(told[0], RunStarted)
    assert told[1].step == 0


def test_a_process_deaf_to_wishes_is_killed_with_its_children(spec, monkeypatch) -> None:
    monkeypatch.setattr("core.train.process.KILL_AFTER", 0.2)
    process = TrainingProcess(new_run(spec, user_paths()))
    process._process.kill()
    process._process.wait()
    deaf = "import signal, subprocess, time; signal.signal(15, signal.SIG_IGN); "
    process._process = subprocess.Popen(
        [sys.executable, "-c", f"{deaf} print(subprocess.Popen(['sleep', '99']).pid, flush=True);"
         " time.sleep(99)"],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    grandchild = int(process._process.stdout.readline())
    process.end()
    process._process.stdout.close()
    assert process.exit_code == -signal.SIGKILL
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(grandchild).status() == psutil.STATUS_ZOMBIE


def test_ending_a_process_that_has_ended_is_no_error(spec) -> None:
    process = TrainingProcess(new_run(dataclasses.replace(spec, steps=1), user_paths()))
    assert isinstance(list(process.events(Cancel()))[-1], RunEnded)
    process.end()
    assert process.exit_code == 0


def test_an_adapter_with_folders_in_it_is_written_over_an_older_one(tmp_path) -> None:
    info = AdapterInfo("full", 4, "toy", "0", "apache-2.0", "0")
    for text in ("older", "newer"):
        with adapter_draft(tmp_path / "adapter", info) as draft:
            (draft / "templates").mkdir()
            (draft / "templates" / "tool.jinja").write_text(text)
    assert (tmp_path / "adapter" / "templates" / "tool.jinja").read_text() == "newer"
    assert sorted(one.name for one in (tmp_path / "adapter").iterdir()) == [
        "stride-adapter.json",
        "templates",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"steps": "many"}',
        '{"minutes": true}',
        '{"data": "rows.jsonl"}',
        '{"teacher": "kind"}',
        '{"rank": 1.5}',
    ],
)
def test_a_setting_of_a_wrong_type_is_named(text, tmp_path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(text)
    [name] = json.loads(text)
    with pytest.raises(KnownError, match=f"setting {name}"):
        read_settings(path)


def test_a_tokenizer_keeps_its_special_tokens_beside_the_mask() -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|tool|>"]})
    mask_id = add_mask_token(model, tokenizer)
    assert {"<|tool|>", MASK_TOKEN} <= set(tokenizer.all_special_tokens)
    assert tokenizer.decode([mask_id], skip_special_tokens=True) == ""


def test_other_attention_than_sdpa_is_refused(spec) -> None:
    model = toy_model()
    model.set_attn_implementation("eager")
    with pytest.raises(KnownError, match="attention"):
        Reader(model)
