"""Agreement with the base model, counted by hand and by one teacher-forced pass."""

from __future__ import annotations

import pytest
import torch

from core.engine.request import Message
from core.engine.session import Session
from core.evaluate.agreement import agreement, answer_agreement, base_model_of, base_view
from core.model.loading import Loaded
from tests.core.engine.harness import CPU, decode, started, teacher_forced, token_ids, toy_session
from tests.core.toy import ToyMasks, save_toy, toy_model, toy_tokenizer

PROMPT = [256, 40, 41, 42]


@pytest.fixture(scope="module")
def model():
    return toy_model()


def greedy(model, prompt_ids, count):
    ids = list(prompt_ids)
    for _ in range(count):
        with torch.no_grad():
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt_ids) :]


def test_a_greedy_answer_agrees_wholly(model):
    answer = greedy(model, PROMPT, 12)
    assert base_view(model, PROMPT, answer, CPU).agreed == 12
    assert agreement(model, PROMPT, answer, CPU) == 1.0


def test_what_follows_a_wrong_token_is_judged_after_it(model):
    answer = greedy(model, PROMPT, 3)
    wrong = (answer[0] + 1) % 200
    answer = [wrong, *greedy(model, [*PROMPT, wrong], 3)]
    assert agreement(model, PROMPT, answer, CPU) == 0.75


def test_the_first_and_the_last_token_count(model):
    answer = greedy(model, PROMPT, 4)
    answer[-1] = (answer[-1] + 1) % 200
    assert agreement(model, PROMPT, answer, CPU) == 0.75
    assert agreement(model, PROMPT, [], CPU) == 1.0


def test_the_likelihood_is_the_mean_over_the_answer(model):
    answer = [7, 8, 9]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*PROMPT, *answer]])).logits[0].float()
    each = logits.log_softmax(-1)[len(PROMPT) - 1 : -1].gather(-1, torch.tensor(answer)[:, None])
    assert base_view(model, PROMPT, answer, CPU).log_likelihood == pytest.approx(float(each.mean()))
    assert base_view(model, PROMPT, [], CPU).log_likelihood == 0.0


def test_a_confadapt_answer_is_compared_token_by_token():
    session = toy_session()
    events = decode(session, threshold=0.0)
    pairs = zip(token_ids(events), teacher_forced(session, events), strict=True)
    expected = [emitted == argmax for emitted, argmax in pairs]
    share = answer_agreement(
        session, session.loaded.model, (Message("user", "Count to ten."),), token_ids(events)
    )
    assert started(events).k_max > 1
    assert 0 < sum(expected) < len(expected)
    assert share == pytest.approx(sum(expected) / len(expected))


def test_the_base_of_a_full_adapter_is_loaded_beside_it(tmp_path):
    folder = save_toy(tmp_path / "base", seed=0)
    trained = toy_model(seed=5, dtype=torch.float32)
    rows = ToyMasks(trained, slot1_is_base=False)
    loaded = Loaded(trained, toy_tokenizer(), rows, CPU, torch.float32, is_changed=True)
    base = base_model_of(Session(loaded, folder, tmp_path))
    own = toy_model(seed=0, dtype=torch.float32).get_input_embeddings().weight
    assert torch.equal(base.get_input_embeddings().weight, own)


def test_the_base_of_a_gated_adapter_is_the_loaded_model():
    for session in (toy_session(), toy_session(adapter=False)):
        assert base_model_of(session) is session.loaded.model
