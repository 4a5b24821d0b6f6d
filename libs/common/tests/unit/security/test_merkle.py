"""The Merkle tree against the public test vectors of Certificate Transparency (RFC 6962), and by property."""

import pytest
from guanxi_common.security.audit.merkle import EMPTY_ROOT, Frontier, Tree, consistency_holds, inclusion_holds, leaf_hash
from hypothesis import given
from hypothesis import strategies as st

# The reference inputs and answers of the certificate-transparency project.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = {(0, 8): [A, B, C], (5, 8): [D, E, ROOTS[3]], (2, 3): [ROOTS[1]], (1, 5): [ROOTS[0], B, D]}
CONSISTENCY = {(1, 1): [], (1, 8): [A, B, C], (6, 8): [F, E, ROOTS[3]], (2, 5): [B, D]}

LEAVES = [leaf_hash(bytes.fromhex(data)) for data in INPUTS]
TREE = Tree(LEAVES)


def test_roots() -> None:
    frontier = Frontier()
    assert frontier.root == TREE.root(0) == EMPTY_ROOT
    for size, leaf in enumerate(LEAVES, start=1):
        frontier.append(leaf)
        assert frontier.root.hex() == TREE.root(size).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("at", "proof"), INCLUSION.items())
def test_inclusion_proofs(at: tuple[int, int], proof: list[str]) -> None:
    index, size = at
    assert [one.hex() for one in TREE.inclusion(index, size)] == proof
    assert inclusion_holds(LEAVES[index], index, size, [bytes.fromhex(one) for one in proof], bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("sizes", "proof"), CONSISTENCY.items())
def test_consistency_proofs(sizes: tuple[int, int], proof: list[str]) -> None:
    first, second = sizes
    assert [one.hex() for one in TREE.consistency(first, second)] == proof
    roots = [bytes.fromhex(ROOTS[size - 1]) for size in sizes]
    assert consistency_holds(first, second, *roots, [bytes.fromhex(one) for one in proof])


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[bytes], int, int]:
    size = draw(st.integers(1, 70))
    first = draw(st.integers(1, size))
    return [leaf_hash(str(n).encode()) for n in range(size)], first, size


@given(trees())
def test_every_proof_holds_and_no_changed_one_does(drawn: tuple[list[bytes], int, int]) -> None:
    leaves, first, size = drawn
    tree, index = Tree(leaves), first - 1
    root, other = tree.root(size), leaf_hash(b"another")
    proof = tree.inclusion(index, size)
    assert inclusion_holds(leaves[index], index, size, proof, root)
    assert not inclusion_holds(other, index, size, proof, root)
    assert not inclusion_holds(leaves[index], index, size, [*proof, other], root)
    assert not inclusion_holds(leaves[index], size, size, proof, root)
    grown = tree.consistency(first, size)
    assert consistency_holds(first, size, tree.root(first), root, grown)
    assert not consistency_holds(first, size, other, root, grown)
    assert not consistency_holds(first, size, tree.root(first), other, grown)
    for position in range(len(grown)):
        assert not consistency_holds(first, size, tree.root(first), root, [*grown[:position], other, *grown[position + 1 :]])


@given(st.integers(0, 70), st.integers(0, 70))
def test_a_frontier_can_be_put_down_and_taken_up(before: int, after: int) -> None:
    leaves = [leaf_hash(str(n).encode()) for n in range(before + after)]
    first = Frontier()
    for leaf in leaves[:before]:
        first.append(leaf)
    second = Frontier(first.size, first.hashes)
    for leaf in leaves[before:]:
        second.append(leaf)
    assert second.root == Tree(leaves).root(before + after)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier(3, [LEAVES[0]])
    with pytest.raises(ValueError, match="no such leaf"):
        TREE.inclusion(8, 8)
    with pytest.raises(ValueError, match="no such trees"):
        TREE.consistency(0, 8)
