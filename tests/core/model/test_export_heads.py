"""Trained heads in a plain folder: transformers drafts with them as Stride does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM
from transformers.generation.candidate_generator import MTPCandidateGenerator

from core.cli.main import main
from core.engine.head_chain import HeadChain
from core.errors import KnownError
from core.model.adapter_info import AdapterInfo
from core.model.export_heads import export_heads
from core.model.fingerprint import cached_weights_hash
from core.model.heads import DRAFT_IDS, heads_named, load_heads, save_heads, shipped_heads
from core.model.loading import load
from core.paths import user_paths
from tests.core.engine.test_head_chain import PROMPT, hidden_rows, ids, toy_heads
from tests.core.toy import save_toy, toy_model

CPU = torch.device("cpu")


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """A toy and three random heads for it, as folders; they can draft a few tokens only."""
    model = save_toy(tmp_path / "toy", dtype=torch.float64)
    _, heads = toy_heads()
    heads.use_draft_ids(torch.arange(40, 120))
    base_hash = cached_weights_hash(model, user_paths().cache)
    info = AdapterInfo("heads", 4, "toy", base_hash, "", "", heads=3, draft_vocabulary=80)
    save_heads(heads.weights(), tmp_path / "heads", info)
    return model, tmp_path / "heads"


def plain(folder: Path):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()


def generate(model, **how) -> list[int]:
    prompt = torch.tensor([PROMPT])
    out = model.generate(prompt, max_new_tokens=30, do_sample=False, eos_token_id=None, **how)
    return out[0].tolist()


def test_transformers_drafts_what_the_chain_drafts_and_writes_what_it_would_write_alone(
    folders, tmp_path, monkeypatch
) -> None:
    out = export_heads(*folders, tmp_path / "both")
    model = plain(out)
    seen: list[tuple[list[int], list[int]]] = []
    own = MTPCandidateGenerator.get_candidates

    def watched(self, input_ids, *rest, **how):
        found = own(self, input_ids, *rest, **how)
        known = input_ids[0].tolist()
        seen.append((known, found[0][0, len(known) :].tolist()))
        return found

    monkeypatch.setattr(MTPCandidateGenerator, "get_candidates", watched)
    with heads_named(model):
        assert generate(model, use_mtp=True) == generate(plain(folders[0]))
    chain = HeadChain(shipped_heads(model))
    drafted = [(known, drafts) for known, drafts in seen if drafts]
    assert len(drafted) > 3
    for known, drafts in drafted:
        rows = hidden_rows(model, known[:-1])[chain.known - 1 :]
        chain.extend(rows, known[chain.known :])
        assert ids(chain.draft(3, 0.0)) == drafts


def test_the_folder_is_plain_and_whole(folders, tmp_path) -> None:
    (folders[0] / "LICENSE").write_text("free")
    (folders[0] / "stride-model.json").write_text("{}")
    out = export_heads(*folders, tmp_path / "both")
    assert not list(tmp_path.glob(".*"))
    assert (out / "LICENSE").is_file()
    assert (out / "tokenizer.json").is_file()
    assert not (out / "stride-model.json").exists()
    assert json.loads((out / "config.json").read_text())["num_mtp_layers"] == 3
    places = json.loads((out / "model.safetensors.index.json").read_text())["weight_map"]
    assert "model.layers.2.shared_head.norm.weight" in places
    assert DRAFT_IDS not in places
    assert generate(plain(out)) == generate(plain(folders[0]))


def test_a_model_that_ships_heads_comes_with_them(folders, tmp_path) -> None:
    model, adapter = folders
    shipped = load(export_heads(model, adapter, tmp_path / "both"), None, CPU, torch.float64)
    trained = load(model, adapter, CPU, torch.float64)
    assert shipped.heads is not None
    assert trained.heads is not None
    named = trained.heads.weights()
    assert torch.equal(named.pop(DRAFT_IDS), torch.arange(40, 120))
    for name, one in shipped.heads.weights().items():
        assert torch.equal(one, named.pop(name))
    assert not named
    assert load(model, None, CPU, torch.float64).heads is None


def test_heads_that_cannot_be_read_are_told_and_left_out(folders, tmp_path) -> None:
    out = export_heads(*folders, tmp_path / "both")
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps({**config, "num_mtp_layers": 5}))
    found = load(out, None, CPU, torch.float64)
    assert found.heads is None
    assert "heads of this model cannot be read" in found.notice


def test_the_same_group_in_turn_is_the_loop_without_training(folders) -> None:
    from core.model.adapter_info import read_adapter_info

    model = toy_model()
    adapter = folders[1]
    heads = load_heads(model, adapter, read_adapter_info(adapter), 7)
    chain = HeadChain(heads)
    chain.extend(hidden_rows(model, PROMPT), [*PROMPT[1:], 65])
    assert len(chain.draft(7, 0.0)) == 7
    named = heads.weights()
    for head in range(7):
        same = named[f"model.layers.{2 + head % 3}.eh_proj.weight"]
        assert torch.equal(named[f"model.layers.{2 + head}.eh_proj.weight"], same)


@pytest.mark.parametrize("what", ["kind", "there"])
def test_what_cannot_be_exported_is_told(folders, tmp_path, what) -> None:
    model, adapter = folders
    if what == "there":
        with pytest.raises(KnownError, match="is there already") as caught:
            export_heads(model, adapter, tmp_path)
    else:
        about = adapter / "stride-adapter.json"
        gated = {**json.loads(about.read_text()), "kind": "gated", "rank": 4}
        about.write_text(json.dumps(gated))
        with pytest.raises(KnownError, match="has no heads") as caught:
            export_heads(model, adapter, tmp_path / "both")
    assert caught.value.next_step


def test_a_full_disk_leaves_nothing_behind(folders, tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.model.export_heads.shutil.copyfile", full)
    with pytest.raises(KnownError, match="No space left"):
        export_heads(*folders, tmp_path / "both")
    assert sorted(one.name for one in tmp_path.iterdir() if "both" in one.name) == []


def test_the_command_writes_the_folder(folders, tmp_path, capsys) -> None:
    model, adapter = folders
    out = tmp_path / "both"
    words = ["heads", "export", str(adapter), "--model", str(model), "--out", str(out)]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["out"] == str(out)
    assert main(words) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["heads", "export", "none", "--model", str(model), "--out", str(tmp_path / "x")])
