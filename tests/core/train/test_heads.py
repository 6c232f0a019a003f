"""Training heads on the toy model: frozen trunk, stored hidden rows, looped extension, resume."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.errors import KnownError
from core.events import EvalDone, SampleDone, StepDone, WayCompared
from core.jsonl import read_events
from core.model.adapter_info import choose_adapter, read_adapter_info
from core.model.export_heads import export_heads
from core.model.heads import DRAFT_IDS, load_heads, new_heads
from core.model.loading import load
from core.paths import user_paths
from core.settings import Settings
from core.train.data import Sample
from core.train.head_evaluation import passes_along
from core.train.head_student import HeadsStudent, frequent_tokens
from core.train.loop import Training
from core.train.plan import plan_spec
from core.train.probe import measure
from core.train.seen_store import Seen, SeenStore
from core.train.spec import TrainSpec, write_spec
from core.train.student import load_student
from core.train.wishes import Wishes
from tests.core.toy import toy_model
from tests.core.train.test_training import check_resume, losses, run_training, spec

__all__ = ["spec"]  # a fixture


@pytest.fixture
def heads_spec(spec: TrainSpec) -> TrainSpec:
    return dataclasses.replace(
        spec, kind="heads", heads=2, draft_vocabulary=60, learning_rate=1e-2, eval_every=3
    )


def weights_in(folder: str | Path) -> dict[str, torch.Tensor]:
    return load_file(Path(folder) / "adapter.safetensors")


def student_of(spec: TrainSpec, tmp_path: Path, samples: list[Sample]) -> HeadsStudent:
    student = load_student(spec, user_paths(), torch.device("cpu"), torch.float32)
    assert isinstance(student, HeadsStudent)
    (tmp_path / "store").mkdir(exist_ok=True)
    student.prepare(samples, tmp_path / "store")
    return student


SAMPLES = [
    Sample(tuple(b"say the, the the the the"), 8),
    Sample(tuple(b"say ant, ant ant ant"), 8),
    Sample((5, 6, 7), 0),
]


def test_heads_learn_and_leave_the_model_alone(heads_spec, tmp_path) -> None:
    before = weights_of_toy(heads_spec)
    # The toy did not write these rows: what follows in them is not what it would say.
    distilled = dataclasses.replace(heads_spec, steps=60, ce_weight=0.0, draft_vocabulary=0)
    run_training(distilled, tmp_path / "run")
    events = list(read_events(tmp_path / "run" / "events.jsonl"))
    last = [event for event in events if isinstance(event, EvalDone)][-1]
    assert len(last.agreement_by_slot) == 2
    steps = [event for event in events if isinstance(event, StepDone)]
    assert steps[-1].loss < steps[0].loss / 2
    assert steps[-1].agreement > steps[0].agreement + 0.2
    assert all(event.supervised > 0 for event in steps)
    info = read_adapter_info(Path(heads_spec.out))
    assert (info.kind, info.heads, info.k_max, info.draft_vocabulary) == ("heads", 2, 3, 0)
    after = weights_of_toy(heads_spec)
    assert all(torch.equal(before[name], after[name]) for name in before)


def weights_of_toy(spec: TrainSpec) -> dict[str, torch.Tensor]:
    return load_file(Path(spec.model) / "model.safetensors")


def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(heads_spec, tmp_path) -> None:
    check_resume(heads_spec, tmp_path)


def test_the_looped_extension_trains_the_new_group_alone(heads_spec, tmp_path) -> None:
    run_training(heads_spec, tmp_path / "run")
    old = weights_in(heads_spec.out)
    more = dataclasses.replace(
        heads_spec, start_from=heads_spec.out, heads=4, out=str(tmp_path / "four")
    )
    student = student_of(more, tmp_path, SAMPLES)
    start = {name: one.clone() for name, one in student.weights().items()}
    run_training(more, tmp_path / "run4")
    new = weights_in(more.out)
    assert all(torch.equal(new[name], old[name]) for name in old)
    for name in sorted(set(new) - set(old)):
        layer = int(name.split(".")[2])
        twin = old[name.replace(f"layers.{layer}.", f"layers.{layer - 2}.")]
        assert torch.equal(start[name].bfloat16(), twin)
        assert not torch.equal(new[name], twin)
    slots = list(read_events(tmp_path / "run4" / "events.jsonl"))
    assert len(next(one for one in slots if isinstance(one, EvalDone)).agreement_by_slot) == 4


def test_as_many_heads_as_before_are_all_trained_further(heads_spec, tmp_path) -> None:
    run_training(heads_spec, tmp_path / "run")
    more = dataclasses.replace(
        heads_spec, start_from=heads_spec.out, out=str(tmp_path / "second"), steps=1
    )
    run_training(more, tmp_path / "run2")
    old, new = weights_in(heads_spec.out), weights_in(more.out)
    assert torch.equal(old[DRAFT_IDS], new[DRAFT_IDS])
    assert not any(torch.equal(old[name], new[name]) for name in old if "eh_proj" in name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"heads": 1}, "There are 2 heads to start from; the spec asks for 1"),
        ({"draft_vocabulary": 50}, "can draft 60 tokens; the spec asks for 50"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(heads_spec, tmp_path, change, said) -> None:
    run_training(dataclasses.replace(heads_spec, steps=1), tmp_path / "run")
    more = dataclasses.replace(heads_spec, start_from=heads_spec.out, **change)
    with pytest.raises(KnownError, match=said) as caught:
        run_training(more, tmp_path / "run2")
    assert caught.value.next_step


def test_heads_do_not_go_on_from_another_kind(spec, heads_spec, tmp_path) -> None:
    gated = dataclasses.replace(spec, steps=1, out=str(tmp_path / "gated"))
    run_training(gated, tmp_path / "run")
    with pytest.raises(KnownError, match="of the kind gated"):
        run_training(dataclasses.replace(heads_spec, start_from=gated.out), tmp_path / "run2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"heads": 0}, "1 to 15 heads"),
        ({"heads": 16}, "1 to 15 heads"),
        ({"draft_vocabulary": -1}, "draft_vocabulary"),
        ({"top_n": 0}, "top_n"),
        ({"ce_weight": 0.0, "kl_weight": 0.0}, "ce_weight"),
        ({"kl_weight": -1.0}, "kl_weight"),
        ({"head_decay": 0.0}, "head_decay"),
    ],
)
def test_settings_out_of_range_are_named(heads_spec, change, said) -> None:
    heads_spec.check()
    with pytest.raises(KnownError, match=said):
        dataclasses.replace(heads_spec, **change).check()


def test_heads_that_a_model_ships_are_trained_on_or_extended(heads_spec, tmp_path) -> None:
    run_training(dataclasses.replace(heads_spec, steps=1), tmp_path / "run")
    both = export_heads(Path(heads_spec.model), Path(heads_spec.out), tmp_path / "both")
    wishes = {
        **dataclasses.asdict(heads_spec),
        "model": str(both),
        "start_from": "own",
        "heads": 3,
        "out": str(tmp_path / "three"),
    }
    spec = plan_spec(wishes, user_paths(), Settings())
    assert spec.start_from == "own"
    run_training(spec, tmp_path / "run3")
    old, new = weights_in(heads_spec.out), weights_in(spec.out)
    assert all(torch.equal(new[name], old[name]) for name in old if name != DRAFT_IDS)
    assert any(name.startswith("model.layers.4.") for name in new)
    with pytest.raises(KnownError, match="There are 2 heads"):
        run_training(dataclasses.replace(spec, heads=1), tmp_path / "run1")
    with pytest.raises(KnownError, match="ships no heads"):
        run_training(dataclasses.replace(heads_spec, start_from="own"), tmp_path / "run0")
    with pytest.raises(KnownError, match="Only heads"):
        dataclasses.replace(spec, kind="gated").check()


def test_a_plan_for_heads(heads_spec, tmp_path) -> None:
    run_training(dataclasses.replace(heads_spec, steps=1), tmp_path / "run")
    paths = user_paths()
    wishes = {"model": heads_spec.model, "out": "a", "steps": 1, "data": heads_spec.data}
    fresh = plan_spec({**wishes, "kind": "heads"}, paths, Settings())
    assert (fresh.start_from, fresh.heads) == ("none", TrainSpec.heads)
    extended = {**wishes, "kind": "heads", "start_from": heads_spec.out, "heads": 4}
    spec = plan_spec(extended, paths, Settings())
    assert (spec.heads, spec.draft_vocabulary) == (4, 60)
    del extended["heads"]
    assert plan_spec(extended, paths, Settings()).heads == 2
    used = Settings(last_adapter={Path(heads_spec.model).name: heads_spec.out})
    assert plan_spec(wishes, paths, used).start_from == "none"
    found = choose_adapter("auto", Path(heads_spec.model), paths, used)
    assert found == Path(heads_spec.out)


def test_heads_are_compared_and_shown_at_work(heads_spec, tmp_path) -> None:
    (tmp_path / "run").mkdir()
    training = Training(
        dataclasses.replace(heads_spec, steps=3),
        tmp_path / "run",
        user_paths(),
        Wishes(tmp_path / "run"),
    )
    training.run()
    training.compare()
    events = list(read_events(tmp_path / "run" / "events.jsonl"))
    ways = [event for event in events if isinstance(event, WayCompared)]
    assert [one.label for one in ways] == ["One token a pass", "Exact, with heads"]
    assert ways[1].agreement == ways[0].agreement
    samples = [event for event in events if isinstance(event, SampleDone)]
    assert all(one.is_exact for sample in samples for one in sample.passes)
    assert samples


def test_stored_hidden_rows_give_the_loss_of_computed_ones(heads_spec, tmp_path) -> None:
    student = student_of(heads_spec, tmp_path, SAMPLES)
    computed = student.distill(*student.batch(SAMPLES, 0, 0))
    read = []
    student._read = read.append
    stored = student.distill(*student.batch(SAMPLES, 1, 0))
    assert read == []
    assert torch.equal(computed.loss, stored.loss)
    again = student_of(heads_spec, tmp_path, SAMPLES)
    again._read = student._read
    assert torch.equal(again.distill(*again.batch(SAMPLES, 0, 0)).loss, computed.loss)


def test_what_is_supervised_and_by_whom(heads_spec, tmp_path) -> None:
    """Each head against a plain loop over rows and positions."""
    student = student_of(heads_spec, tmp_path, SAMPLES)
    token_ids, batch = student.batch(SAMPLES, 0, 0)
    outcome = student.distill(token_ids, batch)
    model, heads, terms = student.base_model, student.heads, student.distill.terms
    total, agrees, slots = 0.0, [], []
    for sample in SAMPLES:
        ids = torch.tensor([sample.token_ids])
        with torch.no_grad():
            main = model.model(ids).last_hidden_state
        rows = main
        for head in range(2):
            rows = heads.run(head, rows[:, :-1], ids[:, head + 1 :], 0, None)
            for t in range(sample.first, len(sample.token_ids) - 2 - head):
                log_p = heads.logits(rows[0, t]).log_softmax(-1)
                log_q = heads.logits(main[0, t + head + 1]).log_softmax(-1)
                loss = (log_q.exp() * (log_q - log_p)).sum()
                place = heads.places(ids[0, t + head + 2])
                loss = loss - (log_p[place] if place >= 0 else 0)
                total += float(loss.detach()) * terms.weights[head]
                best = model.lm_head(main[0, t + head + 1]).argmax()
                agrees.append(bool(heads.tokens(log_p.argmax()) == best))
                slots.append(head + 2)
    assert len(outcome.agrees) == len(agrees)
    assert sorted(outcome.slots.tolist()) == sorted(slots)
    assert int(outcome.agrees.sum()) == sum(agrees)
    assert float(outcome.loss.detach()) == pytest.approx(total / len(agrees), rel=1e-5)


def test_cross_entropy_alone_asks_no_teacher(heads_spec, tmp_path) -> None:
    alone = dataclasses.replace(heads_spec, kl_weight=0.0)
    run_training(alone, tmp_path / "run")
    assert all(loss > 0 for loss in losses(tmp_path / "run"))


def test_a_trained_folder_loads_behind_its_model_and_loops(heads_spec, tmp_path) -> None:
    run_training(dataclasses.replace(heads_spec, steps=1), tmp_path / "run")
    loaded = load(Path(heads_spec.model), Path(heads_spec.out), torch.device("cpu"), torch.float32)
    assert loaded.masks is None
    assert loaded.heads is not None
    stored = weights_in(heads_spec.out)
    for name, one in loaded.heads.weights().items():
        assert torch.equal(one, stored[name].to(one.dtype))
    info = read_adapter_info(Path(heads_spec.out))
    five = load_heads(loaded.model, Path(heads_spec.out), info, 5)
    named = five.weights()
    assert torch.equal(
        named["model.layers.6.eh_proj.weight"], stored["model.layers.2.eh_proj.weight"].float()
    )


def test_a_damaged_file_is_told(heads_spec, tmp_path) -> None:
    run_training(dataclasses.replace(heads_spec, steps=1), tmp_path / "run")
    file = Path(heads_spec.out) / "adapter.safetensors"
    file.write_bytes(file.read_bytes()[:200])
    info = read_adapter_info(Path(heads_spec.out))
    with pytest.raises(KnownError, match="cannot be loaded") as caught:
        load_heads(toy_model(), Path(heads_spec.out), info)
    assert caught.value.next_step


def test_building_heads_changes_nothing_of_the_model() -> None:
    model = toy_model()
    before = {name: one.clone() for name, one in model.named_parameters()}
    config = model.config.to_dict()
    new_heads(model, 3)
    assert model.config.to_dict() == config
    assert all(torch.equal(one, before[name]) for name, one in model.named_parameters())


def test_frequent_tokens_are_those_of_answers_then_the_first() -> None:
    samples = [Sample((9, 9, 9, 4, 4, 6), 2)]
    assert frequent_tokens(samples, 4, 20) == [0, 1, 4, 6]
    assert frequent_tokens(samples, 1, 20) == [4]


@pytest.mark.parametrize(
    ("kept", "passes"), [([], 1), ([0, 0, 0], 4), ([2, 0, 0], 2), ([1, 0, 3], 3)]
)
def test_passes_along_an_answer(kept, passes) -> None:
    assert passes_along(kept) == passes


def test_a_torn_record_is_cut_off_and_computed_again(tmp_path) -> None:
    path = tmp_path / "hidden.bin"
    seen = Seen(torch.randn(3, 4).bfloat16(), torch.tensor([0, 7, 8]))
    store = SeenStore(path, 4, torch.bfloat16)
    one, other = Sample((1, 2, 3), 0), Sample((4, 5, 6), 0)
    store.put(one, seen)
    whole = path.stat().st_size
    store.put(other, seen)
    with path.open("r+b") as file:
        file.truncate(whole + 30)
    again = SeenStore(path, 4, torch.bfloat16)
    assert path.stat().st_size == whole
    assert again.get(other) is None
    assert again.get(Sample((1, 2, 3), 1)) is None
    found = again.get(one)
    assert found is not None
    assert torch.equal(found.rows, seen.rows)
    assert torch.equal(found.best, seen.best)


def test_rows_that_an_earlier_run_has_read_are_not_read_again(heads_spec, tmp_path) -> None:
    first = student_of(heads_spec, tmp_path, SAMPLES)
    batch = first.batch(SAMPLES, 0, 0)[1]
    second = student_of(heads_spec, tmp_path, SAMPLES)
    (tmp_path / "later").mkdir()
    second.prepare(SAMPLES, tmp_path / "later")
    second._read = lambda _: pytest.fail("read again")
    again = second.batch(SAMPLES, 0, 0)[1]
    assert torch.equal(batch.hidden, again.hidden)
    assert torch.equal(batch.best, again.best)
    for file in (tmp_path / "store").iterdir():
        file.unlink()
    with pytest.raises(pytest.fail.Exception, match="read again"):
        second.batch(SAMPLES, 0, 0)


def test_a_probe_measures_their_steps(heads_spec, tmp_path) -> None:
    write_spec(tmp_path / "spec.json", heads_spec)
    found = measure(tmp_path / "spec.json", 20, 10)
    assert found.step_seconds > 0
    assert found.eval_seconds > 0
    assert found.trained_bytes > 2 * 32 * 32 * 12


def test_a_place_that_takes_no_hidden_rows_is_told(tmp_path) -> None:
    with pytest.raises(KnownError, match="could not be stored"):
        SeenStore(tmp_path / "none" / "hidden.bin", 4, torch.float32)
