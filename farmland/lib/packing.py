"""The child's answer as bytes: a head in JSON and blobs behind it, so that boundaries need no base64."""

import json
import struct

LENGTH = struct.Struct(">I")


def pack(head: dict, blobs: list[bytes]) -> bytes:
    text = json.dumps(head | {"blobs": [len(one) for one in blobs]}, ensure_ascii=False, separators=(",", ":"))
    data = text.encode("utf-8", "replace")
    return b"".join([LENGTH.pack(len(data)), data, *blobs])


def unpack(answer: bytes) -> tuple[dict, list[memoryview]]:
    """The head and the blobs, which are views of the answer."""
    (length,) = LENGTH.unpack_from(answer)
    start = LENGTH.size + length
    head = json.loads(answer[LENGTH.size : start])
    view, blobs = memoryview(answer), []
    for size in head.pop("blobs"):
        blobs.append(view[start : start + size])
        start += size
    return head, blobs
