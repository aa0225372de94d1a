"""Finite-state transducers in OpenFst's file form, written directly.

``olabel_lookahead`` is what lets Vosk compose a lexicon with any grammar while decoding. Its
file is a header, a const FST and, per state, the intervals of output labels that can come
next; no Python package writes it. The layout was read off files of Debian's ``fstconvert``
(OpenFst 1.7/1.8); ``tests/integration/test_training_fst.py`` compares with it where it exists.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

_MAGIC = 2125659606
_ADD_ON_MAGIC = 446681434

# fst/properties.h: what is known of the two machines below, so that readers need not test.
_LEXICON = 0x65A5_6542_0001  # const, olabel-sorted, epsilons, cyclic, weighted, connected
_GRAMMAR = 0x2581_5541_0001  # const acceptor, sorted both ways, epsilons, weighted, accessible


@dataclass(slots=True)
class Fst:
    """States by number; an arc is (input, output, weight, next state); 0 is epsilon."""

    arcs: list[list[tuple[int, int, float, int]]] = field(default_factory=list)
    finals: dict[int, float] = field(default_factory=dict)
    start: int = 0

    def state(self) -> int:
        self.arcs.append([])
        return len(self.arcs) - 1

    def arc(self, source: int, ilabel: int, olabel: int, weight: float, target: int) -> None:
        self.arcs[source].append((ilabel, olabel, weight, target))


def _header(kind: str, version: int, properties: int, start: int, states: int, arcs: int) -> bytes:
    name, arc = kind.encode(), b"standard"
    return (
        struct.pack("<ii", _MAGIC, len(name))
        + name
        + struct.pack("<i", len(arc))
        + arc
        + struct.pack("<iiQqqq", version, 0, properties, start, states, arcs)
    )


def const_fst(fst: Fst, properties: int = _GRAMMAR) -> bytes:
    """A const FST of arc type ``standard`` (tropical weights)."""
    states = bytearray()
    arcs: list[tuple[int, int, float, int]] = []
    for number, outgoing in enumerate(fst.arcs):
        final = fst.finals.get(number, float("inf"))
        inputs = sum(a[0] == 0 for a in outgoing)
        outputs = sum(a[1] == 0 for a in outgoing)
        states += struct.pack("<fIIII", final, len(arcs), len(outgoing), inputs, outputs)
        arcs += outgoing
    table = np.array(arcs, dtype=[("i", "<i4"), ("o", "<i4"), ("w", "<f4"), ("n", "<i4")])
    header = _header("const", 2, properties, fst.start, len(fst.arcs), len(arcs))
    return header + bytes(states) + table.tobytes()


def relabelling(fst: Fst) -> dict[int, int]:
    """Output label → new label 1..N in the order a walk from the start meets them, so that the
    labels that can come next from a state lie together."""
    order: dict[int, int] = {}
    seen = {fst.start}
    stack = [fst.start]
    while stack:
        state = stack.pop()
        for *_, target in reversed(fst.arcs[state]):
            if target not in seen:
                seen.add(target)
                stack.append(target)
        for _, olabel, _, _ in fst.arcs[state]:
            if olabel and olabel not in order:
                order[olabel] = len(order) + 1
    return order


def relabelled(fst: Fst, mapping: dict[int, int]) -> Fst:
    """The same machine with new output labels, arcs sorted by them."""
    arcs = [
        sorted(((i, mapping.get(o, 0), w, n) for i, o, w, n in out), key=lambda a: a[1])
        for out in fst.arcs
    ]
    return Fst(arcs, dict(fst.finals), fst.start)


def _reach(fst: Fst, final_label: int) -> list[int]:
    """Per state, the bit set of output labels that can come next (or the final label)."""
    reach: list[int | None] = [None] * len(fst.arcs)
    for root in range(len(fst.arcs)):
        stack = [root]
        while stack:
            state = stack[-1]
            if reach[state] is not None:
                stack.pop()
                continue
            silent = [n for _, o, _, n in fst.arcs[state] if o == 0 and n != state]
            waiting = [n for n in silent if reach[n] is None]
            if waiting:
                if len(stack) > len(fst.arcs):
                    raise ValueError("the machine has a cycle without output labels")
                stack += waiting
                continue
            bits = 1 << final_label if state in fst.finals else 0
            for _, olabel, _, _ in fst.arcs[state]:
                bits |= 1 << olabel if olabel else 0
            for target in silent:
                bits |= reach[target] or 0
            reach[state] = bits
            stack.pop()
    return [bits or 0 for bits in reach]


def _intervals(bits: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    position = 0
    while bits >> position:
        rest = bits >> position
        begin = position + ((rest & -rest).bit_length() - 1)
        run = bits >> begin
        length = ((~run) & (run + 1)).bit_length() - 1
        found.append((begin, begin + length))
        position = begin + length
    return found


def look_ahead_fst(fst: Fst) -> bytes:
    """An ``olabel_lookahead`` FST. ``fst`` must be relabelled and sorted (``relabelled``) and
    have no cycle without output labels but self-loops; raises ValueError otherwise."""
    labels = max((o for out in fst.arcs for _, o, _, _ in out), default=0)
    final_label = labels + 1
    data = bytearray(_header("olabel_lookahead", 1, _LEXICON, -1, 0, 0))
    data += struct.pack("<i", _ADD_ON_MAGIC) + const_fst(fst, _LEXICON)
    data += struct.pack("<bbb", 1, 0, 1)  # an add-on, none for input, one for output
    data += struct.pack("<bbi", 0, 0, final_label)
    data += struct.pack("<q", len(fst.arcs))
    for bits in _reach(fst, final_label):
        intervals = _intervals(bits)
        data += struct.pack("<q", len(intervals))
        for begin, end in intervals:
            data += struct.pack("<ii", begin, end)
        data += struct.pack("<i", sum(e - b for b, e in intervals))
    return bytes(data)
