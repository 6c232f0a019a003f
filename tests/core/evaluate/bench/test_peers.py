"""Peers: they answer as one-token decoding does, and their passes are those of the model alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import LlamaForCausalLM
from transformers.modeling_layers import MtpModel

from core.control import Cancel
from core.engine.request import Request
from core.engine.session import Session
from core.errors import Cancelled, KnownError
from core.evaluate.bench.bench import Bench, BenchPlan
from core.evaluate.bench.figures import report
from core.evaluate.bench.front import rows_of
from core.evaluate.bench.grid import with_peers
from core.evaluate.bench.peers import Peers, plain_layers, possible_peers, with_heads
from core.evaluate.bench.table import way_text
from core.evaluate.measure import EXACT_WAYS, Measured, Peer, decode_answer
from core.evaluate.prompts import BenchPrompt
from core.model.adapter_info import AdapterInfo
from core.model.adapters import GatedAdapter
from core.model.draft_model import first_layers
from core.model.heads import save_heads
from core.model.loading import Loaded, load, save_gated
from tests.core.engine.harness import CPU, NOWHERE, toy_session, user
from tests.core.engine.test_head_chain import toy_heads
from tests.core.toy import save_toy, toy_model, toy_tokenizer

ASKED = user("one two one two one two")
TOKENS = 30
PEERS: tuple[Peer, ...] = (
    "transformers_generate",
    "transformers_prompt_lookup",
    "transformers_assisted",
)


def gated_session(dtype: torch.dtype = torch.float32) -> Session:
    model = toy_model(dtype=dtype)
    masks = GatedAdapter(model, rank=2, k_max=4).to(dtype)
    nn.init.normal_(masks.updates[1])
    return Session(Loaded(model, toy_tokenizer(), masks, CPU, dtype), NOWHERE, NOWHERE)


def one_token(session: Session, tokens: int = TOKENS) -> Measured:
    request = Request(ASKED, "next_token", max_new_tokens=tokens)
    return decode_answer(session, request, 1.0, Cancel())[0]


def answer(session: Session, peer: Peer, draft: LlamaForCausalLM | None = None) -> Measured:
    return Peers(session, draft).answer(peer, ASKED, TOKENS, Cancel())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_and_one_token_decoding_answer_alike(peer: Peer, dtype: torch.dtype) -> None:
    session = gated_session(dtype)
    draft = first_layers(session.loaded.model, 1)
    ours, theirs = one_token(session), answer(session, peer, draft)
    assert theirs.token_ids == ours.token_ids
    assert theirs.text.rstrip("�") == ours.text  # ours never ends in half a character
    assert "".join(theirs.blocks) == ours.text
    assert sum(theirs.sizes) == len(theirs.token_ids) == TOKENS
    assert len(theirs.sizes) == len(theirs.blocks) == theirs.passes
    assert theirs.later_tokens == TOKENS - theirs.sizes[0]
    assert 0 < theirs.prefill_seconds < theirs.seconds
    assert 0 < theirs.decode_seconds < theirs.seconds


def test_only_calls_of_the_model_itself_are_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    session = toy_session()
    calls: list[int] = []
    forward = LlamaForCausalLM.forward

    def counted(self, *args, **kwargs):
        calls.append(self is session.loaded.model)
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(LlamaForCausalLM, "forward", counted)
    found = answer(session, "transformers_assisted", first_layers(session.loaded.model, 1))
    assert found.passes == sum(calls) < len(calls)


def test_without_drafts_nothing_is_provisional() -> None:
    found = answer(toy_session(), "transformers_generate")
    assert (found.passes, found.k_max, found.provisional, found.confirmed) == (TOKENS, 1, 0, 0)


def test_what_a_perfect_draft_model_proposes_is_confirmed() -> None:
    found = answer(toy_session(), "transformers_assisted")  # the toy has but two layers
    assert found.passes < TOKENS
    assert found.provisional == found.confirmed == TOKENS - found.passes


def test_refused_proposals_count_as_provisional() -> None:
    session = toy_session()
    found = answer(session, "transformers_assisted", toy_model(seed=5))
    assert found.token_ids == one_token(session).token_ids
    assert 0 <= found.confirmed < found.provisional
    looked_up = answer(session, "transformers_prompt_lookup")
    assert looked_up.provisional > looked_up.confirmed == TOKENS - looked_up.passes


def test_peers_run_on_plain_layers_which_come_back() -> None:
    session = gated_session()
    model = session.loaded.model
    before = [type(layer) for layer in model.modules()]
    with plain_layers(session.loaded):
        linear = {type(one) for one in model.modules() if isinstance(one, nn.Linear)}
        assert linear == {nn.Linear}
        assert len(list(model.modules())) < len(before)
    assert [type(layer) for layer in model.modules()] == before


def test_a_draft_model_of_its_own_runs_on_plain_layers_too(tmp_path: Path) -> None:
    draft = load(save_toy(tmp_path), None, CPU, torch.float32).model
    before = [type(layer) for layer in draft.modules()]
    with plain_layers(gated_session().loaded, draft):
        assert {type(one) for one in draft.modules() if isinstance(one, nn.Linear)} == {nn.Linear}
    assert nn.Linear not in before
    assert [type(layer) for layer in draft.modules()] == before


def test_layers_come_back_after_a_failure() -> None:
    session = gated_session()
    model = session.loaded.model
    before = [type(layer) for layer in model.modules()]
    stop = Cancel()
    stop.set()
    with pytest.raises(Cancelled):
        Peers(session).answer("transformers_generate", ASKED, 20, stop)
    assert [type(layer) for layer in model.modules()] == before
    assert not model._forward_pre_hooks


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_stays_within_the_context(peer: Peer) -> None:
    session = toy_session()
    measured = Peers(session).answer(peer, user("x" * 170), 300, Cancel())
    assert session.info.context_length - len(measured.token_ids) > 170


def heads_session(count: int = 3) -> Session:
    model, heads = toy_heads(count)
    loaded = Loaded(model, toy_tokenizer(), None, CPU, torch.float64, heads=heads)
    return Session(loaded, NOWHERE, NOWHERE)


@pytest.mark.parametrize("draft_ids", [None, torch.arange(40, 120)])
def test_heads_draft_for_generate(draft_ids: torch.Tensor | None) -> None:
    session = heads_session(2)
    model, heads = session.loaded.model, session.loaded.heads
    assert heads is not None
    heads.use_draft_ids(draft_ids)
    assert possible_peers(session)[-1] == "transformers_mtp"
    own = MtpModel.from_pretrained
    found = answer(session, "transformers_mtp")
    assert found.token_ids == one_token(toy_session()).token_ids
    # Two heads propose two tokens for every pass but the first.
    assert found.provisional == 2 * (found.passes - 1)
    assert found.confirmed == TOKENS - found.passes
    assert MtpModel.from_pretrained == own
    assert not hasattr(model.config, "num_mtp_layers")
    assert (heads.draft_ids is None) == (draft_ids is None)


def test_heads_stand_behind_a_model_with_mask_rows(tmp_path: Path) -> None:
    session = gated_session(torch.float64)
    alone = one_token(session)
    plain = toy_model()
    _, heads = toy_heads(2)
    info = AdapterInfo("heads", 3, "toy", "", "", "", heads=2)
    save_heads(heads.weights(), tmp_path / "heads", info)
    both = with_heads(session, tmp_path / "heads")
    assert (both.info.k_max, both.info.heads) == (4, 2)
    assert {"verified", "heads", "transformers_mtp"} < set(names(both))
    for way in with_peers(both):
        if way.name in EXACT_WAYS:
            bench = Bench(both, BenchPlan((), (way,)), plain)
            found = bench._answer(way, BenchPrompt("", turns=ASKED), TOKENS, Cancel())
            assert found.token_ids == alone.token_ids


def test_an_adapter_without_heads_cannot_lend_them(tmp_path: Path) -> None:
    info = AdapterInfo("gated", 4, "toy", "", "", "", rank=2)
    session = gated_session()
    save_gated(session.loaded.masks.weights(), tmp_path / "gated", info)
    with pytest.raises(KnownError, match="has no heads"):
        with_heads(session, tmp_path / "gated")


def names(session: Session) -> list[str]:
    return [way.name for way in with_peers(session)]


def test_the_preset_leaves_out_what_is_not_possible() -> None:
    assert names(toy_session(adapter=False)) == [*PEERS[1:], "prompt_lookup"]
    every = with_peers(toy_session())
    assert [way.k_max for way in every if way.name == "static_k"] == [2, 3]
    assert [way.threshold for way in every if way.name == "confadapt"] == [0.99, 0.95, 0.9, 0.8]
    assert {"verified", "prompt_lookup"} < set(names(toy_session()))


def test_heads_are_measured_in_several_numbers_up_to_all_there_are() -> None:
    session = heads_session()
    plan = BenchPlan((BenchPrompt("one two"),), with_peers(session), 12, runs=1)
    plan = plan.narrowed(session.info)
    assert [way.k_max for way in plan.ways if way.name == "heads"] == [2, 3, None]
    bench = Bench(session, plan, session.loaded.model)
    list(bench.measure(Cancel()))
    found = report(plan, bench.runs)
    assert [way_text(row) for row in rows_of(found) if row["strategy"] == "heads"] == [
        "heads 1",
        "heads 2",
        "heads 3",
    ]
    assert {row["same_as_next_token"] for row in found["results"]} == {1.0}


def test_no_exact_way_differs_from_one_token_decoding() -> None:
    session = gated_session(torch.float64)
    plan = BenchPlan(
        (BenchPrompt("one two one two"), BenchPrompt("count")), with_peers(session), 12, runs=1
    )
    bench = Bench(session, plan, session.loaded.model)
    list(bench.measure(Cancel()))
    found = report(plan, bench.runs)
    exact = [row for row in found["results"] if row["strategy"] in EXACT_WAYS]
    assert {row["same_as_next_token"] for row in exact} == {1.0}
    assert min(row["same_as_next_token"] for row in found["results"]) < 1.0
    rows = {row["strategy"]: row for row in found["results"]}
    assert 0 <= rows["confadapt"]["acceptance"] <= 1
    assert 0 <= rows["transformers_prompt_lookup"]["acceptance"] <= 1
    assert rows["transformers_assisted"]["acceptance"] == 1.0
    assert found["baselines"]["transformers_generate"]["peak_memory"] is None
