"""From folders on disk to a session, with a gated adapter that was never trained."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.engine.request import LoadSpec
from core.engine.session import open_session
from core.errors import KnownError
from core.model.adapter_info import AdapterInfo
from core.model.adapters import GatedAdapter
from core.model.fingerprint import weights_hash
from core.model.loading import save_gated
from core.settings import Settings
from tests.core.engine.harness import decode, ended, left_after_close, passes, started, token_ids
from tests.core.toy import save_toy, toy_model


@pytest.fixture
def model_folder(tmp_path):
    return save_toy(tmp_path / "toy")


@pytest.fixture
def adapter_folder(model_folder, tmp_path):
    adapter = GatedAdapter(toy_model(dtype=torch.float32), rank=4, k_max=6)
    for layer in adapter.layers.values():
        torch.nn.init.normal_(layer.up)
    info = AdapterInfo("gated", 6, "toy", weights_hash(model_folder), "", "", rank=4)
    save_gated(adapter.weights(), tmp_path / "adapter", info)
    return tmp_path / "adapter"


def opened(paths, model, adapter, **options):
    spec = LoadSpec(str(model), str(adapter), "cpu", **{"dtype": "float32"} | options)
    return open_session(spec, paths, Settings(), lambda *_: None)


def test_one_token_decoding_under_a_gated_adapter_is_the_base_models(
    paths, model_folder, adapter_folder
):
    adapted = opened(paths, model_folder, adapter_folder)
    base = opened(paths, model_folder, "none")
    assert (adapted.info.k_max, base.info.k_max) == (6, 1)
    assert adapted.info.adapter == "adapter"
    # Several tokens a pass first: no trace of the mask rows may remain.
    blocks = decode(adapted, threshold=0.0)
    assert {len(one.token_ids) for one in passes(blocks)[:-1]} == {6}
    slow = decode(adapted, strategy="next_token")
    assert started(slow).reused_tokens > 0
    assert token_ids(slow) == token_ids(decode(base, strategy="next_token"))


def test_slot_1_is_the_base_models_at_any_threshold(paths, model_folder, adapter_folder):
    adapted = opened(paths, model_folder, adapter_folder)
    first = passes(decode(adapted, threshold=0.0))[0]
    base = passes(decode(opened(paths, model_folder, "none")))[0]
    assert first.proposed_ids[0] == base.proposed_ids[0]
    assert first.confidences[0] == pytest.approx(base.confidences[0], rel=1e-4)


@pytest.mark.parametrize("is_adapted", [True, False])
def test_a_closed_session_frees_its_weights_without_the_collector_of_cycles(
    paths, model_folder, adapter_folder, is_adapted
):
    session = opened(paths, model_folder, adapter_folder if is_adapted else "none")
    decode(session, max_new_tokens=8)
    assert left_after_close(session) == 0


def test_auto_is_no_adapter_where_none_fits(paths, model_folder):
    assert opened(paths, model_folder, "auto").info.adapter is None


def test_bfloat16_answers_too(paths, model_folder, adapter_folder):
    session = opened(paths, model_folder, adapter_folder, dtype="bfloat16")
    assert session.info.dtype == "bfloat16"
    assert ended(decode(session, max_new_tokens=8)).tokens == 8


def test_an_adapter_for_another_base_is_refused(paths, tmp_path, adapter_folder):
    other = save_toy(tmp_path / "other", seed=5)
    with pytest.raises(KnownError, match="belongs to toy"):
        opened(paths, other, adapter_folder)


def test_a_truncated_model_is_refused(paths, model_folder):
    weights = model_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(KnownError):
        opened(paths, model_folder, "none")


def test_a_model_of_the_hugging_face_cache_keeps_its_name(paths, tmp_path):
    snapshot = tmp_path / "hub" / "models--maker--small" / "snapshots" / "0f1e2d"
    snapshot.parent.mkdir(parents=True)
    assert opened(paths, save_toy(snapshot), "none").info.model == "maker/small"


def test_a_model_that_lacks_a_tensor_is_refused_not_filled_with_noise(paths, model_folder):
    weights = load_file(model_folder / "model.safetensors")
    del weights["model.layers.1.mlp.down_proj.weight"]
    save_file(weights, model_folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(KnownError, match=r"lack 1 weights, model\.layers\.1\.mlp\.down_proj"):
        opened(paths, model_folder, "none")


@pytest.mark.parametrize("change", [{"hidden_size": 64}, {"num_attention_heads": "x"}])
def test_a_config_of_another_model_is_refused(paths, model_folder, change):
    file = model_folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(KnownError, match="cannot be loaded"):
        opened(paths, model_folder, "none")


@pytest.mark.parametrize(
    "change",
    [{"kind": "other"}, {"k_max": "8"}, {"k_max": 1}, {"k_max": 17}, {"rank": -1}, {"rank": "a"}],
)
def test_an_adapter_with_impossible_values_is_refused(paths, model_folder, adapter_folder, change):
    file = adapter_folder / "stride-adapter.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(KnownError, match="cannot be read"):
        opened(paths, model_folder, adapter_folder)


def test_a_truncated_adapter_is_refused(paths, model_folder, adapter_folder):
    weights = adapter_folder / "adapter.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(KnownError, match="damaged"):
        opened(paths, model_folder, adapter_folder)
