/**
 * What does gRPC cost? Our two transports beside the limit of a socket and what one would write by hand with gRPC, all on one worker in
 * one process, in turns, so that a busy machine slows all of them alike. Ratios are medians over the rounds.
 *
 *   npm run bench -- grpc
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { Packr, Unpackr } from 'msgpackr';
import { createSnakepit } from '../dist/index.js';
import { bare } from './contenders.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const MS = Number(process.env.ROUND_MS ?? 700);
const args = { text: 'hi', top: 3 };
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const python = process.env.SNAKEPIT_PYTHON;

const ours = async (options) => {
  const pool = { app: here('app.py'), workers: 1, codec: 'msgpack', python, ...options };
  const pit = await createSnakepit({ pools: { default: pool } });
  return { call: (given) => pit.execute('echo', given), close: () => pit.close() };
};

/** A client of grpc-js and a server of grpcio, and nothing else. */
const byHand = async () => {
  const directory = mkdtempSync(join(tmpdir(), 'snakepit-bench-'));
  const path = join(directory, 'echo.sock');
  const server = spawn(python, [here('grpc_echo.py'), path], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const unpackr = new Unpackr({ useRecords: false });
  const client = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure());
  return {
    call: (given) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          '/Echo/Run',
          (value) => packr.pack(value),
          (bytes) => unpackr.unpack(bytes),
          given,
          (error, reply) => (error ? reject(error) : resolve(reply)),
        );
      }),
    close: async () => {
      client.close();
      server.stdin.end();
      if (server.exitCode === null) await once(server, 'exit');
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

const rate = async ({ call }, inFlight) => {
  const end = performance.now() + MS;
  let calls = 0;
  const started = performance.now();
  const lane = async () => {
    while (performance.now() < end) {
      await call(args);
      calls++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (calls / (performance.now() - started)) * 1000;
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const show = (value) => Math.round(value).toLocaleString('en').padStart(9);

const LIMIT = 'limit of a socket';
const SOCKET = 'snakepit, socket';
const EXCHANGE = 'snakepit, gRPC in batches';
const UNARY = 'snakepit, gRPC call by call';
const HAND = 'gRPC by hand, call by call';
const contenders = {
  [LIMIT]: await bare('msgpack'),
  [SOCKET]: await ours({}),
  [EXCHANGE]: await ours({ transport: 'grpc' }),
  [UNARY]: await ours({ transport: 'grpc', exchange: false }),
  [HAND]: await byHand(),
};

for (const inFlight of [1, 32]) {
  const rates = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (const contender of Object.values(contenders)) await rate(contender, inFlight);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, contender] of Object.entries(contenders))
      rates[name].push(await rate(contender, inFlight));
  }
  const ratio = (a, b) => median(rates[a].map((value, i) => value / rates[b][i])).toFixed(2);
  console.log(`\n${inFlight} in flight (calls a second, median of ${ROUNDS} rounds of ${MS} ms)`);
  for (const [name, values] of Object.entries(rates))
    console.log(`  ${name.padEnd(30)} ${show(median(values))}`);
  console.log(`  socket / limit                 ${ratio(SOCKET, LIMIT)}`);
  console.log(`  socket / gRPC in batches       ${ratio(SOCKET, EXCHANGE)}`);
  console.log(`  gRPC in batches / by hand      ${ratio(EXCHANGE, HAND)}`);
  console.log(`  gRPC call by call / by hand    ${ratio(UNARY, HAND)}`);
}
for (const { close } of Object.values(contenders)) await close();
