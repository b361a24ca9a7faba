"""The messages of ``worker.proto``, made when this is imported.

Code that ``protoc`` generates runs only with the versions of protobuf it was generated for. The schema itself, as the bytes in
``worker.binpb``, suits them all: ``tools/make_proto.py`` writes it, a test sees that it is up to date.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "snakepit.v1.Worker"

#: A pool of our own: the app's other half may have loaded another version of the same file.
POOL = descriptor_pool.DescriptorPool()
_schema = descriptor_pb2.FileDescriptorSet.FromString((Path(__file__).parent / "worker.binpb").read_bytes())
for _file in _schema.file:
    POOL.AddSerializedFile(_file.SerializeToString())


def _message(name: str) -> Any:
    kind = POOL.FindMessageTypeByName(f"snakepit.v1.{name}")
    return message_factory.GetMessageClass(kind)


HelloRequest = _message("HelloRequest")
HelloReply = _message("HelloReply")
WatchRequest = _message("WatchRequest")
Report = _message("Report")
ExecuteRequest = _message("ExecuteRequest")
ExecuteReply = _message("ExecuteReply")
StreamReply = _message("StreamReply")
Failure = _message("Failure")
HostBatch = _message("HostBatch")
WorkerBatch = _message("WorkerBatch")
WorkerMessage = _message("WorkerMessage")
RecallRequest = _message("RecallRequest")
RecallReply = _message("RecallReply")
StacksRequest = _message("StacksRequest")
StacksReply = _message("StacksReply")
StopRequest = _message("StopRequest")
StopReply = _message("StopReply")
