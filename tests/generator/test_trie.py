from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from right_hf.generator.trie import TokenTrie

sequences = st.lists(st.lists(st.integers(0, 4), max_size=5), max_size=30)


def walked(trie: TokenTrie, sequence: list[int]) -> int:
    """The node that a sequence leads to, or -1."""
    node = 0
    for token in sequence:
        node = trie.child(node, token) or -1
        if node < 0:
            break
    return node


@given(sequences, st.lists(st.integers(0, 5), max_size=6))
def test_it_holds_the_sequences_and_nothing_else(sequences: list[list[int]], other: list[int]) -> None:
    trie = TokenTrie(sequences)
    for one in [*sequences, other]:
        node = walked(trie, one)
        assert (node >= 0) == (not one or any(known[: len(one)] == one for known in sequences))
        if node > 0:
            assert trie.entries[node] == (sequences.index(one) if one in sequences else -1)


@given(sequences)
def test_nodes_know_their_surroundings(sequences: list[list[int]]) -> None:
    trie = TokenTrie(sequences)
    distinct = {tuple(sequence) for sequence in sequences if sequence}
    prefixes = {sequence[:length] for sequence in distinct for length in range(len(sequence) + 1)} | {()}
    assert len(trie.tokens) == len(prefixes)
    for prefix in prefixes:
        node = walked(trie, list(prefix))
        first, last = trie.children(node)
        tokens = trie.tokens[first:last].tolist()
        assert tokens == sorted({one[len(prefix)] for one in prefixes if one[:-1] == prefix and len(one) > len(prefix)})
        assert (trie.parents[first:last] == node).all()
        assert trie.counts[node] == sum(sequence[: len(prefix)] == prefix for sequence in distinct)


@given(sequences)
def test_the_path_of_a_sequence_leads_back_to_the_root(sequences: list[list[int]]) -> None:
    trie = TokenTrie(sequences)
    for number, sequence in enumerate(sequences):
        path = trie.path(number)
        left_out = not sequence or sequence in sequences[:number]
        assert [int(trie.tokens[node]) for node in reversed(path)] == ([] if left_out else sequence)
