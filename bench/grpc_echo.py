"""What one would write by hand: grpcio, a call for each request, MessagePack in bytes."""

import sys
from concurrent import futures

import grpc
import msgpack


def echo(text, top=3):
    return {"text": text, "top": top}


def run(request, context):
    return msgpack.packb(echo(**msgpack.unpackb(request)))


def main(path):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    handler = grpc.method_handlers_generic_handler("Echo", {"Run": grpc.unary_unary_rpc_method_handler(run)})
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"unix:{path}")
    server.start()
    print("ready", flush=True)
    sys.stdin.read()


main(sys.argv[1])
