"""The limit: a framed socket with a codec and nothing else. Reads all there is, answers all of it in one write."""

import json
import os
import socket
import struct
import sys


def echo(text, top=3):
    return {"text": text, "top": top}


def main(path, codec):
    if codec == "msgpack":
        import msgpack

        decode, encode = msgpack.unpackb, msgpack.packb
    else:
        decode = json.loads

        def encode(value):
            return json.dumps(value, separators=(",", ":")).encode()

    commands = {"echo": echo}
    header = struct.Struct(">I")
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    received = b""
    while True:
        chunk = connection.recv(262144)
        if not chunk:
            os._exit(0)
        received += chunk
        at, end, replies = 0, len(received), []
        while end - at >= 4:
            (length,) = header.unpack_from(received, at)
            if end - at - 4 < length:
                break
            _, request_id, command, args = decode(received[at + 4 : at + 4 + length])
            body = encode([2, request_id, commands[command](**args)])
            replies.append(header.pack(len(body)))
            replies.append(body)
            at += 4 + length
        received = received[at:]
        if replies:
            connection.sendall(b"".join(replies))


main(sys.argv[1], sys.argv[2])
