"""The bench: several ways of decoding over the same prompts, side by side.

Within a run the ways take turns prompt by prompt, and who goes first rotates, so that a machine
that warms up or slows down does so for all alike. One prompt is decoded beforehand by all ways,
unmeasured. `core.evaluate.bench.figures` makes the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.control import Cancel
from core.engine.prompt import render
from core.engine.request import Request, SessionInfo
from core.errors import KnownError
from core.evaluate.bench.judged import BaseView, Judged, Round, likeness
from core.evaluate.bench.peers import Peers
from core.evaluate.checks import check_answer
from core.evaluate.measure import GENERATE, NEXT_TOKEN, Measured, Way, decode_answer
from core.evaluate.prompts import BenchPrompt
from core.rule import USUAL_RULE, Rule

if TYPE_CHECKING:
    from core.engine.session import Session

BASELINES = (NEXT_TOKEN, GENERATE)
SessionOf = Callable[[Way], AbstractContextManager["Session"]]
WARM_UP_TOKENS = 24


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What is measured.

    Attributes:
        ways: Ways of decoding besides the baselines.
        baselines: What they are held against; one-token decoding among it.
        draft: Name of the model that drafts for `transformers_assisted`; empty for the first
            layers of the loaded one.
        heads: Name of the adapter whose heads were added to what is loaded; else empty.
        runs: How often everything is measured.
        rule: Of ConfAdapt.
    """

    prompts: tuple[BenchPrompt, ...]
    ways: tuple[Way, ...]
    max_new_tokens: int = 160
    runs: int = 3
    rule: Rule = USUAL_RULE
    baselines: tuple[Way, ...] = BASELINES
    draft: str = ""
    heads: str = ""

    @property
    def all_ways(self) -> tuple[Way, ...]:
        """The baselines, then the others, each once."""
        return tuple(dict.fromkeys((*self.baselines, *self.ways)))

    def narrowed(self, info: SessionInfo) -> BenchPlan:
        """The plan for so many slots and heads: what is wider does the same, so it goes."""
        most = {"heads": 1 + info.heads}
        ways = (
            replace(way, k_max=_narrowed(way.k_max, most.get(way.name, info.k_max)))
            for way in self.ways
        )
        return replace(self, ways=tuple(dict.fromkeys(ways)))

    @property
    def total(self) -> int:
        """How many answers are measured."""
        return self.runs * len(self.prompts) * len(self.all_ways)


def _narrowed(k_max: int | None, most: int) -> int | None:
    return None if k_max is None or k_max >= most else k_max


class Bench:
    """Measures a plan on a session.

    Args:
        session: The loaded model.
        plan: What to measure.
        base_model: What agreement is measured against; see `base_model_of`.
        session_of: Inside what it returns, the session it gives decodes a way; by default
            always the one that is loaded.

    Attributes:
        runs: For each run its complete rounds, in the order of the prompts.
        peers: What decodes the ways of transformers.

    Raises:
        KnownError: for a prompt that leaves no room for an answer.
    """

    def __init__(
        self,
        session: Session,
        plan: BenchPlan,
        base_model: Any,
        session_of: SessionOf | None = None,
    ) -> None:
        self.plan = plan
        self._session_of = session_of or (lambda _: nullcontext(session))
        self._keep: Callable[[int, Round], None] = lambda _run, _round: None
        self.runs: list[list[Round]] = []
        self.peers = Peers(session)
        self._session = session
        self._base = base_model
        self._prompt_ids = [self._checked_ids(prompt) for prompt in plan.prompts]

    def go_on(self, runs: Sequence[list[Round]], keep: Callable[[int, Round], None]) -> None:
        """Go on from what was measured before; `keep` is called with every run and round."""
        self.runs = list(runs)
        self._keep = keep

    def measure(self, cancel: Cancel) -> Iterator[int]:
        """Measure everything, yielding how many answers are done.

        Raises:
            Cancelled: if a stop was asked for; `runs` keeps the rounds completed until then.
        """
        done = sum(map(len, self.runs)) * len(self.plan.all_ways)
        if done == self.plan.total:
            return
        limit = min(WARM_UP_TOKENS, self.plan.max_new_tokens)
        for way in self.plan.all_ways:
            self._answer(way, self.plan.prompts[0], limit, cancel)
            yield done
        for run, index in self._left():
            answers = {}
            for way in self._order(run + index):
                prompt = self.plan.prompts[index]
                most = self.plan.max_new_tokens
                answers[way] = self._answer_and_peak(way, prompt, most, cancel)
                done += 1
                yield done
            judged = self._judge(index, answers, ask_base=run == 0)
            self.runs[run].append(judged)
            self._keep(run, judged)

    def _left(self) -> Iterator[tuple[int, int]]:
        """Run and prompt of the rounds that are not measured yet."""
        for run in range(self.plan.runs):
            if run == len(self.runs):
                self.runs.append([])
            for index in range(len(self.runs[run]), len(self.plan.prompts)):
                yield run, index

    def _order(self, turn: int) -> Sequence[Way]:
        ways = self.plan.all_ways
        first = turn % len(ways)
        return ways[first:] + ways[:first]

    def _answer(self, way: Way, prompt: BenchPrompt, limit: int, cancel: Cancel) -> Measured:
        if way.peer:
            return self.peers.answer(way.peer, prompt.messages, limit, cancel)
        request = Request(prompt.messages, way.strategy, way.k_max, limit)
        with self._session_of(way) as session:
            return decode_answer(session, request, way.threshold, cancel, self.plan.rule)[0]

    def _answer_and_peak(
        self, way: Way, prompt: BenchPrompt, limit: int, cancel: Cancel
    ) -> Measured:
        """An answer, with the most memory it took where that can be told."""
        device = self._session.loaded.device
        if device.type != "cuda":
            return self._answer(way, prompt, limit, cancel)
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        measured = self._answer(way, prompt, limit, cancel)
        return replace(measured, peak_memory=torch.cuda.max_memory_allocated(device))

    def _judge(self, index: int, answers: dict[Way, Measured], *, ask_base: bool) -> Round:
        """The answers with what is known of them; equal answers are looked at once."""
        check, reference = self.plan.prompts[index].check, self.plan.prompts[index].reference
        views: dict[tuple[int, ...], BaseView] = {}
        judged = {}
        for way, measured in answers.items():
            is_right = None if check is None else check_answer(check, measured.text)
            ids = measured.token_ids
            if ask_base and ids not in views:
                views[ids] = self._base_view(index, ids)
            alike = None if reference is None else likeness(reference, measured.text)
            judged[way] = Judged(measured, is_right, views.get(ids), alike)
        return judged

    def _base_view(self, index: int, answer_ids: tuple[int, ...]) -> BaseView:
        from core.evaluate.agreement import base_view

        device = self._session.loaded.device
        return base_view(self._base, self._prompt_ids[index], answer_ids, device)

    def _checked_ids(self, prompt: BenchPrompt) -> list[int]:
        _, ids = render(self._session.loaded.tokenizer, prompt.messages)
        room = self._session.info.context_length - len(ids)
        if room < 1:
            raise KnownError(
                f'The prompt "{prompt.prompt[:40]}..." has {len(ids)} tokens, but the model reads '
                f"at most {self._session.info.context_length}, its answer included.",
                "Shorten it, or take it out.",
            )
        return ids
