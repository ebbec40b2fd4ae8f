#!/usr/bin/python3
"""The digest of an answer, for ReportResultRequest.answer_digest: a gateway that does not want to send the answer itself
sends this. It needs nothing beside Python.

    answer_digest(["It is done.", ("read", {"path": "a.go"})])

The parts of the answer in their order: a text, or a tool call as a pair of its name and its arguments, decoded. Leave out
thoughts, also those between <think> tags in a text. Run as a program it reads one JSON list of such parts a line and prints the digest of each.
"""
import json
import struct
import sys

MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def answer_digest(parts):
    items, words = [], ""
    for part in list(parts) + [None]:
        if isinstance(part, str):
            words += part  # texts beside each other are one
            continue
        words = words.strip(" \t\r\n")
        if words:
            items.append(f"a{text_sum(words):016x}")
            words = ""
        if part is not None:
            name, arguments = part
            items.append(f"c{mix('f', text_sum(name), value_sum(arguments or {})):016x}")
    return "".join(items)


def text_sum(text):
    """XXH64 of the text as the shortest JSON string says it, between the quotes."""
    return xxh64(json.dumps(text, ensure_ascii=False)[1:-1].encode())


def value_sum(value, depth=1):
    """Of a JSON value, whatever the order of its members and the writing of its numbers."""
    if value is True or value is False:
        return mix("b", int(value), 0)
    if isinstance(value, str):
        return mix("s", text_sum(value), 0)
    if isinstance(value, (int, float)):
        return mix("n", struct.unpack("<Q", struct.pack("<d", float(value) + 0.0))[0], 0)
    if isinstance(value, list) and depth <= 32:
        total = 0
        for element in value:
            total = mix("l", total, value_sum(element, depth + 1))
        return mix("e", total, 0)
    if isinstance(value, dict) and depth <= 32:
        members = (mix("k", text_sum(name), value_sum(member, depth + 1)) for name, member in value.items())
        return mix("o", sum(members) & MASK, 0)
    return mix("z", 0, 0)  # null, and what is nested too deep


def mix(letter, a, b):
    return xxh64(letter.encode() + struct.pack("<QQ", a, b))


def xxh64(data):
    """XXH64 with seed 0. The package xxhash has it as xxh64_intdigest, much faster."""
    size, at = len(data), 0
    if size >= 32:
        lanes = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        while at + 32 <= size:
            lanes = [round64(lane, word) for lane, word in zip(lanes, struct.unpack_from("<4Q", data, at))]
            at += 32
        h = sum(rotate(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            h = ((h ^ round64(0, lane)) * P1 + P4) & MASK
    else:
        h = P5
    h = (h + size) & MASK
    while at + 8 <= size:
        h = (rotate(h ^ round64(0, struct.unpack_from("<Q", data, at)[0]), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= size:
        h = (rotate(h ^ struct.unpack_from("<I", data, at)[0] * P1 & MASK, 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        h = rotate(h ^ byte * P5 & MASK, 11) * P1 & MASK
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32


def round64(lane, word):
    return rotate((lane + word * P2) & MASK, 31) * P1 & MASK


def rotate(word, by):
    return (word << by | word >> 64 - by) & MASK


if __name__ == "__main__":
    for line in sys.stdin:
        print(answer_digest(json.loads(line)))
