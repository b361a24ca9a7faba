"""python-shell's way: one JSON document a line, parsed, dispatched, answered."""

import json
import sys


def echo(text, top=3):
    return {"text": text, "top": top}


commands = {"echo": echo}
for line in sys.stdin:
    request = json.loads(line)
    result = commands[request["command"]](**request["args"])
    print(json.dumps({"id": request["id"], "result": result}), flush=True)
