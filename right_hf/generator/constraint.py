"""Decoding that cannot leave a vocabulary: at each step the tokens are masked with which no allowed hashtag goes on."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from right_hf.forks import Lock
from right_hf.generator.trie import TokenTrie
from right_hf.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

#: Vocabularies whose constraints are kept for each format, some 20 MB each at 100,000 hashtags.
_KEPT = 4
_NOTHING: Mapping[int, int] = MappingProxyType({})


class SpellingFormat(Protocol):
    """What a constraint needs of a generator's format."""

    tokenizer: Any
    max_target_length: int
    ends: frozenset[int]

    def spellings(self, hashtags: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
        """Token ids of each hashtag as the first of an answer, and as a further one with the separator before it."""
        ...


class Place(NamedTuple):
    """Where an answer may stand.

    Attributes:
        trie: Of the entry that is being written.
        node: In it, how far it has come.
        written: Entries that are finished.
        used: How many of these go through each node of the trie of further entries.
    """

    trie: TokenTrie
    node: int
    written: tuple[int, ...] = ()
    used: Mapping[int, int] = _NOTHING


#: All places where an answer may stand: more than one where a hashtag goes on as the separator begins. None where the
#: answer is at its end, or was led astray.
State = tuple[Place, ...] | None


class Constraint:
    """Which tokens may follow while an answer is written: entries of a vocabulary, each once, or the end.

    Entries that the tokenizer cannot write, or only with more tokens than an answer has, are never written.

    Args:
        form: The format of the answers.
        vocabulary: The hashtags that are allowed.
    """

    def __init__(self, form: SpellingFormat, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.ends = form.ends
        self.end_ids = torch.tensor(sorted(form.ends))
        self._ends: npt.NDArray[np.int64] = self.end_ids.numpy()
        refused = {*form.ends, form.tokenizer.unk_token_id}
        first, further = (
            [ids if len(ids) < form.max_target_length and refused.isdisjoint(ids) else [] for ids in spelled]
            for spelled in form.spellings(vocabulary.hashtags)
        )
        self.first, self.further = TokenTrie(first), TokenTrie(further)
        if missing := [tag for tag, ids in zip(vocabulary.hashtags, first, strict=True) if not ids]:
            logger.info("%d hashtags cannot be written with this tokenizer, such as %r.", len(missing), missing[0])

    @property
    def start(self) -> State:
        """Where an answer begins."""
        return (Place(self.first, 0),)

    def allowed(self, state: Sequence[Place]) -> npt.NDArray[np.int64]:
        """The tokens that may follow; some may be named twice."""
        parts = [self._children(place) for place in state]
        for place in state:
            if place.node == 0:
                parts.append(self._ends)  # nothing at all may be written, too
            elif (entry := self._finished(place)) >= 0:
                parts.extend((self._children(self._begun(place, entry)), self._ends))
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def after(self, state: State, token: int) -> State:
        """Where an answer stands after one more token."""
        if state is None or token in self.ends:
            return None
        places: list[Place] = []
        for place in state:
            going_on = [place]
            if place.node and (entry := self._finished(place)) >= 0:
                going_on.append(self._begun(place, entry))
            for one in going_on:
                node = one.trie.child(one.node, token)
                if node and not self._is_used_up(one, node):
                    places.append(one._replace(node=node))
        return tuple(places) or None

    def hashtags(self, output: Sequence[int]) -> list[str]:
        """The hashtags of an answer, in the vocabulary's forms; one that was broken off is none."""
        state = self.start
        for token in output:
            further = self.after(state, token)
            if further is None:
                break
            state = further
        written = max(map(self._written, state or ()), key=len)
        return [self.vocabulary.hashtags[entry] for entry in written]

    def settings(self, generation: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of transformers' `generate` with this constraint beside those that the caller gave."""
        given = generation.get("logits_processor") or ()
        return {**generation, "logits_processor": LogitsProcessorList([*given, AllowedTokens(self)])}

    def _written(self, place: Place) -> tuple[int, ...]:
        entry = self._finished(place) if place.node else -1
        return (*place.written, entry) if entry >= 0 else place.written

    def _finished(self, place: Place) -> int:
        """The entry that ends at a place, or -1; none that was written before."""
        entry = int(place.trie.entries[place.node])
        return -1 if entry in place.written else entry

    def _begun(self, place: Place, entry: int) -> Place:
        """Where a further entry begins."""
        used = dict(place.used)
        for node in self.further.path(entry):
            used[node] = used.get(node, 0) + 1
        return Place(self.further, 0, (*place.written, entry), used)

    def _is_used_up(self, place: Place, node: int) -> bool:
        """Whether all that is left through a node has been written."""
        return place.trie is self.further and place.used.get(node, 0) == place.trie.counts[node]

    def _children(self, place: Place) -> npt.NDArray[np.int64]:
        """The tokens with which an entry goes on that is not written yet."""
        first, last = place.trie.children(place.node)
        tokens = place.trie.tokens[first:last].astype(np.int64)
        used = [node - first for node in place.used if first <= node < last and self._is_used_up(place, node)]
        return np.delete(tokens, used) if used else tokens


class AllowedTokens(LogitsProcessor):
    """Masks all other tokens while transformers' `generate` writes: greedily, with beams, or by chance.

    It serves one call, whose answers begin where the token ids end that it sees first.

    Args:
        constraint: Says which tokens may follow.
    """

    def __init__(self, constraint: Constraint) -> None:
        self._constraint = constraint
        self._begins: int | None = None
        self._states: dict[tuple[int, ...], State] = {}

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (B, V) of which only those of allowed tokens are left, after the token ids (B, T) so far."""
        if self._begins is None:
            self._begins = input_ids.shape[1]
        answers = [tuple(ids) for ids in input_ids[:, self._begins :].tolist()]
        self._states = {answer: self._state(answer) for answer in dict.fromkeys(answers)}
        rows, columns = self._places(answers, scores.shape[1])
        at = tuple(torch.from_numpy(part).to(scores.device) for part in (rows, columns))
        masked = torch.full_like(scores, -torch.inf)
        masked[at] = scores[at]
        # Where others have masked all that is allowed, as a least length does when all is written, it ends.
        dead = (masked == -torch.inf).all(1).nonzero()
        masked[dead, self._constraint.end_ids.to(scores.device)] = 0
        return masked

    def _places(self, answers: Sequence[tuple[int, ...]], size: int) -> tuple[npt.NDArray[np.int64], ...]:
        """Rows and columns of the scores that are left."""
        anything = np.arange(size)
        tokens = {
            answer: self._constraint.allowed(state) if state is not None else anything
            for answer, state in self._states.items()
        }
        rows = np.repeat(np.arange(len(answers)), [len(tokens[answer]) for answer in answers])
        return rows, np.concatenate([tokens[answer] for answer in answers])

    def _state(self, answer: tuple[int, ...]) -> State:
        """Where an answer stands: one step on from what is known of its beginning, if anything is."""
        if answer and answer[:-1] in self._states:
            return self._constraint.after(self._states[answer[:-1]], answer[-1])
        state = self._constraint.start
        for token in answer:
            state = self._constraint.after(state, token)
        return state


_CONSTRAINTS: WeakKeyDictionary[Any, OrderedDict[Vocabulary, Constraint]] = WeakKeyDictionary()
_BUILDING = Lock()


def constraint_for(form: SpellingFormat, vocabulary: Vocabulary) -> Constraint:
    """The constraint of a vocabulary for a format; the last few are kept as long as the format lives."""
    with _BUILDING:
        kept = _CONSTRAINTS.setdefault(form, OrderedDict())
        if vocabulary not in kept:
            kept[vocabulary] = Constraint(form, vocabulary)
        kept.move_to_end(vocabulary)
        while len(kept) > _KEPT:
            kept.popitem(last=False)
        return kept[vocabulary]
