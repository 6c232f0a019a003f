"""A loaded model that turns requests into streams of pass events."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from core.control import Cancel, Threshold
from core.device import choose_device
from core.engine import prompt
from core.engine.answer import Answer
from core.engine.cache import TokenCache
from core.engine.decode import Decoder
from core.engine.detokenize import StopStrings, TokenTexts
from core.engine.experience import Experience
from core.engine.head_chain import HeadChain
from core.engine.request import EXACT_STRATEGIES, K_MAX_LIMIT, LoadSpec, Request, SessionInfo
from core.engine.sampling import Sampler
from core.engine.strategies import make_strategy
from core.errors import KnownError
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, StopReason
from core.model.adapter_info import adapter_name, choose_adapter
from core.model.loading import Loaded, load
from core.model.store import Progress, usable_model
from core.paths import Paths
from core.rule import USUAL_RULE, Rule
from core.settings import Settings

NO_ADAPTER = "No adapter is loaded for this model, so every pass gives one token."
HEADS_ONLY = "The adapter that is loaded has heads: they propose with the strategy heads."


def open_session(spec: LoadSpec, paths: Paths, settings: Settings, progress: Progress) -> Session:
    """Load the model and adapter that a spec names, on the device it names.

    Raises:
        KnownError: if any of them is missing, damaged, unfit for another, or too large.
    """
    from transformers.utils import logging

    # Its bar would run through ours, and through JSON lines on a shared terminal.
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    progress("Looking for the model", 0, 0)
    model = usable_model(spec.model, paths, settings)
    adapter_path = choose_adapter(spec.adapter, model.path, paths, settings)
    device = choose_device(spec.device)
    dtype = choose_dtype(spec.dtype, device)
    progress("Loading the model", 0, 0)
    loaded = load(model.path, adapter_path, torch.device(device), dtype)
    return Session(loaded, model.path, adapter_path, model.name)


def choose_dtype(wish: str, device: str) -> torch.dtype:
    """The wished dtype; "auto" is bfloat16 where the hardware computes it, else float32."""
    if wish != "auto":
        return torch.bfloat16 if wish == "bfloat16" else torch.float32
    return torch.bfloat16 if _has_native_bf16(device) else torch.float32


def _has_native_bf16(device: str) -> bool:
    if device.startswith("cuda"):
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Older torch cannot say; float32 is never wrong.
    able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


class Session:
    """A loaded model, with or without adapter; it decodes one answer at a time.

    Between answers the cache keeps what the next prompt may share with the last one.

    Args:
        loaded: The model, with or without adapter.
        model_path: Where it lies.
        adapter_path: Where its adapter lies.
        name: What to call the model; empty takes its folder's name.

    Attributes:
        info: What is loaded, for status bars and records.
        end_ids: Tokens that end an answer.
    """

    def __init__(
        self, loaded: Loaded, model_path: Path, adapter_path: Path | None, name: str = ""
    ) -> None:
        self._loaded = loaded
        self._chain = HeadChain(loaded.heads) if loaded.heads else None
        self._cache = TokenCache(
            loaded.model, loaded.masks, loaded.device, keeps_hidden=loaded.heads is not None
        )
        self._texts = TokenTexts(loaded.tokenizer)
        self._experience = Experience()
        self.end_ids = _end_ids(loaded.model, loaded.tokenizer)
        self._is_busy = False
        masks = loaded.masks
        self.info = SessionInfo(
            model=name or model_path.name,
            model_path=str(model_path),
            adapter=adapter_name(adapter_path) if adapter_path else None,
            adapter_path=str(adapter_path) if adapter_path else None,
            device=str(loaded.device),
            dtype=str(loaded.dtype).removeprefix("torch."),
            k_max=min(masks.k_max, K_MAX_LIMIT) if masks else 1,
            context_length=_context_length(loaded),
            memory_bytes=_memory_bytes(loaded),
            mtp_off_reason="" if masks or loaded.heads else NO_ADAPTER,
            notice=loaded.notice,
            heads=loaded.heads.count if loaded.heads else 0,
        )

    @property
    def loaded(self) -> Loaded:
        """The model itself, for teacher-forced checks of what was decoded."""
        return self._loaded

    def stream(
        self,
        request: Request,
        cancel: Cancel,
        threshold: Threshold,
        rule: Rule = USUAL_RULE,
    ) -> Generator[GenerationEvent, None, None]:
        """Decode one answer; closing the generator is a cancel.

        Args:
            request: What to decode.
            cancel: Ends the answer within one pass, with what there is.
            threshold: Read at every pass, so that it may change while the answer flows.
            rule: Of ConfAdapt.

        Raises:
            KnownError: for a prompt or setting that cannot be decoded, or too little memory.
        """
        if self._is_busy:
            raise RuntimeError("this session is already decoding an answer")
        self._is_busy = True
        try:
            yield from self._stream(request, cancel, threshold, rule)
        finally:
            self._is_busy = False

    def twin(self) -> Session:
        """Another session over the same weights, with a cache of its own."""
        info = self.info
        adapter = Path(info.adapter_path) if info.adapter_path else None
        return Session(self._loaded, Path(info.model_path), adapter, info.model)

    def forget(self) -> None:
        """Empty the cache, so that the next prompt is read from its first token."""
        self._cache.clear()
        if self._chain is not None:
            self._chain.clear()

    def close(self) -> None:
        """Free the memory; the session cannot be used afterwards.

        A loaded model is in no cycle, so that none need be collected, which a thread beside a
        window must not do.
        """
        del self._loaded, self._cache, self._chain
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _stream(
        self, request: Request, cancel: Cancel, threshold: Threshold, rule: Rule
    ) -> Generator[GenerationEvent, None, None]:
        text, prompt_ids = prompt.render(self._loaded.tokenizer, request.messages)
        answer = self._new_answer(request, len(prompt_ids))
        decoder = self._new_decoder(request, prompt_ids, rule)
        reused = self._reuse(request, prompt_ids)
        yield GenerationStarted(
            model=self.info.model,
            adapter=self.info.adapter,
            strategy=self._strategy_name(request, threshold),
            k_max=decoder.k_max,
            threshold=threshold.value,
            device=self.info.device,
            dtype=self.info.dtype,
            prompt_text=text,
            prompt_tokens=len(prompt_ids),
            reused_tokens=reused,
            mtp_off_reason=self._mtp_off_reason(request, decoder.k_max),
        )
        yield from decoder.run(reused, answer, cancel, threshold)
        assert answer.stop_reason is not None
        yield GenerationEnded(
            stop_reason=answer.stop_reason,
            text=answer.text,
            tokens=len(answer.token_ids),
            passes=answer.passes,
            seconds=answer.seconds,
        )

    def _strategy_name(self, request: Request, threshold: Threshold) -> str:
        is_checked = threshold.is_exact and request.strategy not in EXACT_STRATEGIES
        return "verified" if is_checked else request.strategy

    def _new_answer(self, request: Request, prompt_tokens: int) -> Answer:
        room = self.info.context_length - prompt_tokens
        if room <= 0:
            raise KnownError(
                f"The prompt has {prompt_tokens} tokens, but the model reads at most "
                f"{self.info.context_length}, its answer included.",
                "Shorten it, or begin a new chat.",
            )
        wanted = request.max_new_tokens
        if wanted is not None and wanted < 1:
            raise KnownError(f"An answer needs room for at least one token, not {wanted}.")
        limit = room
        reason: StopReason = "context_full"
        if wanted is not None and wanted <= room:
            limit, reason = wanted, "max_new_tokens"
        stops = StopStrings(request.stop)
        return Answer(self._loaded.tokenizer, self.end_ids, stops, limit, reason)

    def _new_decoder(self, request: Request, prompt_ids: list[int], rule: Rule) -> Decoder:
        masks, k_max = self._loaded.masks, self._k_max(request)
        if rule.count_from_slot is None:
            rule = replace(rule, count_from_slot=2 if masks and masks.slot1_is_base else 1)
        usual = make_strategy(request.strategy, rule, self._experience, self._chain, k_max - 1)
        return Decoder(
            cache=self._cache,
            usual=usual,
            exact=usual if usual.is_exact else make_strategy("verified", rule, self._experience),
            k_max=k_max,
            sampler=Sampler(request),
            texts=self._texts,
            experience=self._experience,
            prompt=prompt_ids,
        )

    def _reuse(self, request: Request, prompt_ids: list[int]) -> int:
        """How many tokens of the prompt the cache holds; heads must know them, too."""
        if self._chain is None:
            return self._cache.reuse(prompt_ids)
        if request.strategy != "heads":
            self._chain.clear()  # what is decoded now, it will not know
            return self._cache.reuse(prompt_ids)
        reused = self._cache.reuse(prompt_ids, self._chain.known - 1)
        self._chain.keep(reused)
        return reused

    def _k_max(self, request: Request) -> int:
        wanted = request.k_max
        if wanted is not None and not 1 <= wanted <= K_MAX_LIMIT:
            raise KnownError(f"k_max must lie between 1 and {K_MAX_LIMIT}, not {wanted}.")
        if request.strategy == "next_token":
            return 1
        if request.strategy == "heads":
            return min(wanted or K_MAX_LIMIT, 1 + self.info.heads)
        return min(wanted or self.info.k_max, self.info.k_max)

    def _mtp_off_reason(self, request: Request, k_max: int) -> str:
        if request.strategy == "next_token":
            return "One-token decoding was chosen."
        if request.strategy in EXACT_STRATEGIES:
            return ""  # the text so far proposes, too
        if self.info.heads and not self._loaded.masks:
            return HEADS_ONLY
        if not self.info.mtp_off_reason and k_max == 1:
            return "k_max is 1, so every pass gives one token."
        return self.info.mtp_off_reason


def _end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends an answer: the model's (one or several) and the tokenizer's."""
    configured = model.generation_config.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    return frozenset(one for one in (*ids, tokenizer.eos_token_id) if one is not None)


def _context_length(loaded: Loaded) -> int:
    length = getattr(loaded.model.config, "max_position_embeddings", None)
    if not length:
        raise KnownError(
            "This model does not say how long a text it can read (max_position_embeddings).",
            "Choose another model.",
        )
    return int(length)


def _memory_bytes(loaded: Loaded) -> int:
    tensors = {*loaded.model.parameters(), *loaded.model.buffers()}
    return sum(tensor.nbytes for tensor in tensors)
