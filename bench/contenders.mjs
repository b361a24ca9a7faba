import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Packr, Unpackr } from 'msgpackr';
import { PythonShell } from 'python-shell';
import { createSnakepit } from '../dist/index.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const python = process.env.SNAKEPIT_PYTHON;

/** Ours, with metrics, health and events on. */
export const snakepit = async (codec) => {
  const pit = await createSnakepit({
    pools: { default: { app: here('app.py'), workers: 1, codec, python } },
  });
  return { call: (args) => pit.execute('echo', args), close: () => pit.close(), pit };
};

/** The limit: frames over a socket with the same codec, and no more than answers need to find their callers. */
export const bare = async (codec) => {
  const directory = mkdtempSync(join(tmpdir(), 'snakepit-bench-'));
  const path = join(directory, 'bare.sock');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const child = spawn(python, [here('bare_worker.py'), path, codec], { stdio: 'inherit' });
  const [socket] = await once(server, 'connection');
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const unpackr = new Unpackr({ useRecords: false });
  const encode =
    codec === 'msgpack' ? (value) => packr.pack(value) : (value) => Buffer.from(JSON.stringify(value));
  const decode =
    codec === 'msgpack' ? (bytes) => unpackr.unpack(bytes) : (bytes) => JSON.parse(bytes.toString());
  const waiting = new Map();
  let id = 0;
  let rest = Buffer.alloc(0);
  let out = [];
  const flush = () => {
    socket.write(Buffer.concat(out));
    out = [];
  };
  socket.on('data', (chunk) => {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    while (data.length - at >= 4) {
      const end = at + 4 + data.readUInt32BE(at);
      if (end > data.length) break;
      const [, answered, result] = decode(data.subarray(at + 4, end));
      waiting.get(answered)(result);
      waiting.delete(answered);
      at = end;
    }
    rest = data.subarray(at);
  });
  return {
    call: (args) =>
      new Promise((resolve) => {
        waiting.set(++id, resolve);
        const body = encode([1, id, 'echo', args]);
        const header = Buffer.allocUnsafe(4);
        header.writeUInt32BE(body.length);
        if (out.length === 0) process.nextTick(flush);
        out.push(header, body);
      }),
    close: async () => {
      socket.destroy();
      server.close();
      if (child.exitCode === null) await once(child, 'exit');
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

/** python-shell in JSON mode. */
export const pythonShell = async () => {
  const shell = new PythonShell(here('shell_worker.py'), { mode: 'json', pythonPath: python });
  const waiting = new Map();
  let id = 0;
  shell.on('message', ({ id: answered, result }) => {
    waiting.get(answered)(result);
    waiting.delete(answered);
  });
  return {
    call: (args) =>
      new Promise((resolve) => {
        waiting.set(++id, resolve);
        shell.send({ id, command: 'echo', args });
      }),
    close: () => new Promise((resolve) => shell.end(() => resolve())),
  };
};
