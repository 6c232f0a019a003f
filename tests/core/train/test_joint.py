"""Heads and the base model's layers trained together: what changes, what stays, who may use it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState

from core.engine.request import LoadSpec
from core.engine.session import Session, open_session
from core.errors import KnownError
from core.evaluate.agreement import base_model_of
from core.evaluate.bench.peers import with_heads
from core.events import Notice, StepDone, WayCompared
from core.jsonl import read_events
from core.model.adapter_info import read_adapter_info
from core.model.export_heads import export_heads
from core.model.loading import load, load_base
from core.paths import user_paths
from core.settings import Settings
from core.train.loop import Training
from core.train.probe import measure
from core.train.spec import TrainSpec, write_spec
from core.train.wishes import Wishes
from tests.core.engine.harness import CPU, decode, token_ids
from tests.core.train.test_heads import SAMPLES, heads_spec, student_of
from tests.core.train.test_training import check_resume, run_training, spec

__all__ = ["heads_spec", "spec"]  # fixtures


@pytest.fixture
def joint_spec(heads_spec: TrainSpec) -> TrainSpec:
    return dataclasses.replace(heads_spec, joint=True, base_learning_rate=1e-3)


def opened(spec: TrainSpec, adapter: str) -> Session:
    load_spec = LoadSpec(spec.model, adapter, "cpu", "float32")
    return open_session(load_spec, user_paths(), Settings(), lambda *_: None)


def test_layers_learn_and_the_vocabularys_matrices_stay(joint_spec, tmp_path) -> None:
    run_training(dataclasses.replace(joint_spec, steps=30), tmp_path / "run")
    steps = [one for one in read_events(tmp_path / "run" / "events.jsonl") if type(one) is StepDone]
    assert steps[-1].loss < steps[0].loss / 1.5
    info = read_adapter_info(Path(joint_spec.out))
    assert (info.kind, info.heads, info.joint, info.holds_model) == ("heads", 2, True, True)
    assert info.format_version == 2  # an older Stride would run them behind the base model
    base = dict(load_base(Path(joint_spec.model), CPU, torch.float32)[0].named_parameters())
    model = load(Path(joint_spec.model), Path(joint_spec.out), CPU, torch.float32).model
    same = {name for name, one in model.named_parameters() if torch.equal(one, base[name])}
    assert same == {"model.embed_tokens.weight"}


def test_the_main_head_is_held_at_every_token_of_an_answer(joint_spec, tmp_path) -> None:
    """Its loss alone against a plain one over all of an answer, the first token included."""
    alone = dataclasses.replace(joint_spec, kl_weight=0.0, heads=1, draft_vocabulary=0)
    student = student_of(alone, tmp_path, SAMPLES)
    token_ids, batch = student.batch(SAMPLES[:1], 0, 0)
    distill = student.distill
    logits = student.loaded.model(token_ids).logits[0]
    first, length = SAMPLES[0].first, len(SAMPLES[0].token_ids)
    told = logits[first : length - 1]
    main = torch.nn.functional.cross_entropy(told, token_ids[0, first + 1 : length])
    heads = distill.outcome(token_ids, distill.hidden(token_ids), batch).loss
    torch.testing.assert_close(distill(token_ids, batch).loss, heads + main)


def test_in_bfloat16_it_learns_in_full_precision(joint_spec, tmp_path) -> None:
    AcceleratorState._reset_state(reset_partial_state=True)  # it knows one precision a process
    try:
        run_training(dataclasses.replace(joint_spec, dtype="bfloat16", steps=20), tmp_path / "run")
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
    steps = [one for one in read_events(tmp_path / "run" / "events.jsonl") if type(one) is StepDone]
    assert steps[-1].loss < steps[0].loss
    trained = load(Path(joint_spec.model), Path(joint_spec.out), CPU, torch.bfloat16)
    assert {one.dtype for one in trained.model.parameters()} == {torch.bfloat16}


def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(joint_spec, tmp_path) -> None:
    check_resume(joint_spec, tmp_path)


def test_its_drafts_change_nothing_of_the_trained_models_answer(joint_spec, tmp_path) -> None:
    run_training(dataclasses.replace(joint_spec, steps=20), tmp_path / "run")
    session = opened(joint_spec, joint_spec.out)
    plain = decode(session, "Say the.", strategy="next_token")
    drafted = decode(session, "Say the.", strategy="heads")
    assert token_ids(drafted) == token_ids(plain)
    base = base_model_of(session)
    assert base is not session.loaded.model
    assert session.loaded.is_changed
    alone = opened(joint_spec, "none")
    with pytest.raises(KnownError, match="behind the base model as it is"):
        with_heads(alone, Path(joint_spec.out))


def test_the_comparison_shows_what_became_of_the_main_head(joint_spec, tmp_path) -> None:
    (tmp_path / "run").mkdir()
    wishes = Wishes(tmp_path / "run")
    changed = dataclasses.replace(joint_spec, steps=25, base_learning_rate=3e-2, kl_weight=0.0)
    training = Training(changed, tmp_path / "run", user_paths(), wishes)
    training.run()
    training.compare()
    events = list(read_events(tmp_path / "run" / "events.jsonl"))
    ways = [one for one in events if isinstance(one, WayCompared)]
    labels = ["One token a pass, base model", "One token a pass", "Exact, with heads"]
    assert [one.label for one in ways] == labels
    assert ways[0].agreement[0] == 1.0
    assert ways[1].agreement[0] < 1.0
    assert ways[1].agreement[0] == ways[2].agreement[0]
    assert not [one for one in events if isinstance(one, Notice) and one.phase == "error"]


def test_model_and_heads_are_exported_as_one_folder(joint_spec, tmp_path) -> None:
    run_training(joint_spec, tmp_path / "run")
    (Path(joint_spec.model) / "LICENSE").write_text("of the base model")
    out = export_heads(Path(joint_spec.model), Path(joint_spec.out), tmp_path / "both")
    trained = load(Path(joint_spec.model), Path(joint_spec.out), CPU, torch.float32)
    shipped = load(out, None, CPU, torch.float32)
    assert shipped.heads is not None
    assert shipped.heads.count == 2
    for one, other in ((trained, shipped), (shipped, trained)):
        weights = dict(other.model.named_parameters())
        assert all(torch.equal(w, weights[name]) for name, w in one.model.named_parameters())
    names = {file.name for file in out.iterdir()}
    assert not names & {"adapter.safetensors", "stride-adapter.json"}
    assert "LICENSE" in names
    assert json.loads((out / "config.json").read_text())["num_mtp_layers"] == 2


def test_what_cannot_be_trained_jointly_is_said(joint_spec, tmp_path) -> None:
    with pytest.raises(KnownError, match="Only heads can be trained jointly"):
        dataclasses.replace(joint_spec, kind="gated").check()
    with pytest.raises(KnownError, match="starts from heads of an adapter"):
        dataclasses.replace(joint_spec, start_from="own").check()
    run_training(dataclasses.replace(joint_spec, joint=False, steps=1), tmp_path / "alone")
    extended = dataclasses.replace(joint_spec, start_from=joint_spec.out, heads=3)
    with pytest.raises(KnownError, match="stay as they are do not fit layers that learn"):
        run_training(extended, tmp_path / "run3")
    run_training(dataclasses.replace(joint_spec, steps=1), tmp_path / "run")
    further = dataclasses.replace(joint_spec, start_from=joint_spec.out)
    with pytest.raises(KnownError, match="belong to the model that was trained with them"):
        run_training(further, tmp_path / "run2")


def test_a_probe_measures_its_steps(joint_spec, tmp_path) -> None:
    write_spec(tmp_path / "spec.json", joint_spec)
    found = measure(tmp_path / "spec.json", 20, 10)
    assert found.step_seconds > 0
    assert found.eval_seconds > 0
