import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratch } from '../process/python-fixtures.ts';
import { fakeOps, json, type Route } from './fake-ops.ts';
import { inProcess } from './terminal.ts';

const root = scratch();
mkdirSync(join(root, 'run'));
const snakepit = inProcess(root);
const HOSTILE = 'x\u001b[2J\u0007';

const worker = (slot: number, more: object = {}) => ({
  id: `default-1a2-${slot}`,
  slot,
  state: 'ready',
  role: 'primary',
  pid: 4000 + slot,
  phase: null,
  uptime_ms: 7_500_000,
  requests: 12,
  slot_requests_total: 112,
  slot_busy_seconds_total: 5,
  slot_cpu_seconds_total: 4,
  in_flight: 0,
  memory_bytes: 120 * 2 ** 20,
  current: null,
  ...more,
});
const pool = (more: object = {}) => ({
  name: 'default',
  state: 'running',
  workers_desired: 2,
  workers: [
    worker(0),
    worker(1, {
      state: 'busy',
      in_flight: 2,
      current: { command: 'predict', request_id: 'r', for_ms: 1250 },
    }),
  ],
  extra_workers: [],
  workers_by_state: { ready: 1, busy: 1 },
  busy_workers: 1,
  queue_depth: 3,
  queue_capacity: 1000,
  requests_in_flight: 2,
  crash_loop: null,
  start_error: null,
  quarantined_requests: [],
  circuit: null,
  ...more,
});
const state = (more: object = {}) => ({ timestamp: 0, uptime_ms: 90_000, pools: { default: pool(more) } });
const health = {
  status: 'warning',
  checks: [
    { name: 'error_rate', status: 'ok', message: 'fine' },
    { name: 'latency', status: 'warning', message: 'slow', why: 'p95 is 900 ms', remedy: 'Add workers.' },
  ],
  pools: {
    default: { requests: 9, requests_per_second: 12.34, error_rate: 0.015, p95_response_time_ms: 900 },
  },
};
/** Runs a command against a server with these routes; every line fits into 80 columns unless said otherwise. */
const shown = async (argv: readonly string[], routes: Record<string, Route>) => {
  const ops = await fakeOps(routes);
  const said = await snakepit([...argv, '--ops-url', ops.url]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
  expect(said.out + said.err).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  return { ...said, seen: ops.seen, url: ops.url };
};

describe('snakepit status', () => {
  const routes = (detailed: Route, more: object = {}) => ({
    'GET /health/detailed': detailed,
    'GET /api/state': state(more),
  });

  it('shows health, pools and workers on one screen of 80 columns', async () => {
    const { code, out, url } = await shown(['status'], routes(health));
    expect(code).toBe(0);
    expect(out).toBe(
      `Health: warning   ${url}, up 1 min 30 s
  latency: p95 is 900 ms
    → Add workers.

Pool     State    Workers  Busy   Queue  Running  Req/s     p95  Errors
default  running      2/2     1  3/1000        2   12.3  900 ms   1.5 %

Worker         State   PID          Up  Requests   Memory  Running now
default-1a2-0  ready  4000  2 h 5 min        12  120 MiB
default-1a2-1  busy   4001  2 h 5 min        12  120 MiB  predict 1.2 s +1
`.replace('PID          Up', 'PID         Up'),
    );
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('tells where workers are that somebody else has started, in 80 columns', async () => {
    const away = (slot: number, address: string) => worker(slot, { pid: null, address });
    const { out } = await shown(['status'], routes(health, { workers: [away(0, '10.0.0.7:7000')] }));
    expect(out).toMatch(/^Worker {9}State {2}Address {15}Up {2}Requests/m);
    expect(out).toMatch(/^default-1a2-0 {2}ready {2}10\.0\.0\.7:7000 {2}2 h 5 min {8}12 {2}120 MiB$/m);
    const waits = worker(1, { id: null, pid: null, address: null, state: 'backoff' });
    const narrow = await shown(['status'], routes(health, { workers: [away(0, '10.0.0.7:7000'), waits] }));
    expect(narrow.out).toMatch(/^default-1a2-0 {4}ready {4}….*0\.7:7000 {2}2 h 5 min/m);
    expect(narrow.out).toMatch(/^default, slot 1 {2}backoff {2}- +- +12 /m);
    const path = `unix:/run/user/1000/${'models/'.repeat(9)}worker-0.sock`;
    const mixed = await shown(['status'], routes(health, { workers: [away(0, path), worker(1)] }));
    expect(mixed.out).toMatch(/^default-1a2-0 {2}ready {5}- {2}….*0\.sock {2}2 h 5 min/m);
    expect(mixed.out).toMatch(/^default-1a2-1 {2}ready {2}4001 {2}- +2 h 5 min/m);
    for (const line of mixed.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('takes an unhealthy instance for an answer', async () => {
    const { code, out } = await shown(['status'], routes(json({ ...health, status: 'error' }, 503)));
    expect(code).toBe(0);
    expect(out).toContain('Health: error');
  });

  it('says in words what keeps pools from working, and the way out', async () => {
    const now = Date.now();
    const { out } = await shown(
      ['status'],
      routes(health, {
        crash_loop: { since: now - 180_000, retry_in_ms: 12_300, why: `5 starts failed ${HOSTILE}` },
        start_error: { error_message: "ModuleNotFoundError: No module named 'torch'" },
        circuit: 'open',
        quarantined_requests: [
          {
            command: 'predict',
            args_hash: '0123456789abcdef',
            deaths: 3,
            until: Date.parse('2025-01-15T10:30:00Z'),
          },
        ],
        workers: [
          worker(0, {
            id: null,
            pid: null,
            state: 'quarantined',
            failures: 5,
            quarantined_until: now + 3_600_000,
            last_exit: {
              code: null,
              signal: 'SIGKILL',
              oom: true,
              oom_evidence: 'oom_kill rose',
              stderr_tail: ['a', 'b\n'],
            },
          }),
          worker(1, { state: 'starting', phase: 'import' }),
        ],
      }),
    );
    expect(out).toContain(
      'Pool default has been in a crash loop for 3 min: 5 starts failed x. The next start is in 12.3 s; `snakepit recycle --pool default --unquarantine` does not wait',
    );
    expect(out).toContain(
      "Pool default has no worker: the last start failed with ModuleNotFoundError: No module named 'torch'.",
    );
    expect(out).toMatch(
      /Slot 0 of pool default is quarantined: 5 workers in a row came to nothing in it, and is tried again in (59 min 59 s|1 h)\. The last one was ended by SIGKILL, for want of memory \(oom_kill rose\), after saying: b\./,
    );
    expect(out).toContain(
      'Pool default refuses predict with one set of arguments (0123456789abcdef) until 2025-01-15T10:30:00Z: 3 workers died with it.',
    );
    expect(out).toContain('The circuit breaker of pool default is open');
    expect(out).toContain('default, slot 0  quarantined');
    expect(out).toContain('starting (import)');
  });

  it('does with one of the two, or with a server that says less', async () => {
    const { 'GET /api/state': levels } = routes(health);
    expect((await shown(['status'], { 'GET /api/state': levels })).out).toContain(
      'Health: not known (health is switched off)',
    );
    expect((await shown(['status'], { 'GET /health/detailed': health })).out).toContain('Health: warning');
    const sparse = { pools: { default: { workers: [{}] } } };
    expect(await shown(['status'], { 'GET /api/state': sparse, 'GET /health/detailed': {} })).toMatchObject({
      code: 0,
    });
    expect(await shown(['status'], {})).toMatchObject({
      code: 1,
      err: expect.stringContaining('Nothing is served'),
    });
  });

  it('leaves out what is idle where not all fits', async () => {
    const many = Array.from({ length: 30 }, (_, i) => worker(i, i === 29 ? { state: 'busy' } : {}));
    const { out } = await shown(['status'], routes(health, { workers: many }));
    expect(out).toContain('default-1a2-29');
    expect(out).toContain('… and 10 more (--json lists all)');
  });

  it("prints the server's JSON as it came", async () => {
    const text = '{"status" :  "ok","b":[1.0]}';
    const raw: Route = (res) => res.writeHead(200, { 'content-type': 'application/json' }).end(text);
    expect((await shown(['status', '--json'], { 'GET /health/detailed': raw })).out).toBe(`${text}\n`);
  });
});

describe('snakepit top', () => {
  it('tells rates from two moments, and stops after --count', async () => {
    let asked = 0;
    const route: Route = (res) => {
      const later = {
        slot_requests_total: 112 + 1000 * asked,
        slot_busy_seconds_total: 5 + asked,
        slot_cpu_seconds_total: 4,
      };
      json(state({ workers: [worker(0, later)] }))(res);
      asked++;
    };
    // Health may be switched off.
    const { code, out } = await shown(['top', '--count', '2'], { 'GET /api/state': route });
    expect({ code, asked }).toEqual({ code: 0, asked: 2 });
    const [first, second] = out.split(/^http:.*\n/m).slice(1) as [string, string];
    expect(first).toContain('default running, 1 of 2 workers busy, queue 3/1000, 2 running, - req/s');
    // A second or a little more lies between them.
    expect(second).toMatch(/running, (\d{3}|1000|1001|99\d) req\/s/);
    expect(second).toMatch(/default-1a2-0 {2}ready {2}4000 +(\d{3}|100\d) +\d+ % +0 % {2}120 MiB/);
  });

  it('prints once where it is no terminal: what commands take, who runs what, and what went wrong of late', async () => {
    const figures = (requests: number, more: object = {}) => ({
      ...{ requests, requests_per_second: requests / 60, error_rate: 0 },
      ...{ p50_response_time_ms: 1.5, p95_response_time_ms: 20, p99_response_time_ms: 1250, ...more },
    });
    const commands = {
      embed: { '1m': figures(60) },
      predict: { '1m': figures(540, { error_rate: 0.015 }) },
      silent: { '1m': figures(0) },
    };
    const detailed = {
      ...health,
      pools: { default: { ...figures(600), commands } },
      system: { memory_mb: 512, cpu_ratio: 0.355, event_loop_lag_ms: 2.1 },
    };
    const last_exit = { worker_id: `w-9${HOSTILE}`, at: Date.now() - 61_000, code: null, signal: 'SIGSEGV' };
    const workers = [
      worker(0, { last_exit }),
      worker(1, {
        state: 'busy',
        in_flight: 1,
        current: { command: 'predict', request_id: 'r', for_ms: 1250 },
      }),
    ];
    const { code, out, url, seen } = await shown(['top'], {
      'GET /api/state': state({ workers, circuit: 'open' }),
      'GET /health/detailed': detailed,
    });
    expect({ code, asked: seen.length }).toEqual({ code: 0, asked: 2 });
    expect(out).toBe(
      `${url}, up 1 min 30 s, health warning, memory 512 MiB, CPU 36 %, event loop 2.1 ms late

default running, 1 of 2 workers busy, queue 3/1000, 2 running, 10 req/s
Last minute   Requests  Req/s     p50    p95    p99  Errors
all commands       600     10  1.5 ms  20 ms  1.2 s   0.0 %
predict            540      9  1.5 ms  20 ms  1.2 s   1.5 %
embed               60      1  1.5 ms  20 ms  1.2 s   0.0 %
Worker         State   PID  Req/s  Busy  CPU   Memory  Running now
default-1a2-0  ready  4000      -     -    -  120 MiB
default-1a2-1  busy   4001      -     -    -  120 MiB  predict 1.2 s

latency: p95 is 900 ms
The circuit breaker of pool default is open: too many requests failed, and all …
1 min 1 s ago: w-9x was ended by SIGSEGV
`,
    );
  });

  it('tells where workers are that somebody else has started', async () => {
    const away = worker(0, { pid: null, address: '[2001:db8::7]:7000' });
    const mine = { ...pool({ workers: [worker(0)] }), name: 'mine' };
    const pools = { away: pool({ workers: [away] }), mine };
    const { out } = await shown(['top'], { 'GET /api/state': { uptime_ms: 1, pools } });
    expect(out).toMatch(/^Worker {9}State {2}Address {13}Req\/s/m);
    expect(out).toMatch(/^default-1a2-0 {2}ready {2}\[2001:db8::7\]:7000 {6}- /m);
    expect(out).toMatch(/^default-1a2-0 {2}ready {2}4000 {6}- /m);
  });

  it('prints one state a line with --json', async () => {
    const { out } = await shown(['top', '--json'], { 'GET /api/state': state() });
    expect(JSON.parse(out)).toEqual(state());
  });
});

const line = {
  id: 'e2',
  timestamp: new Date(Date.now() - 7_510_000).toISOString(),
  pool: 'default',
  command: 'predict',
  code: 'python_exception',
  category: 'request',
  message: `ValueError: ${'long '.repeat(30)}${HOSTILE}`,
};

describe('snakepit errors', () => {
  const list = {
    errors: [line, { ...line, id: 'e1', pool: 'nlp', code: 'timeout' }],
    groups: [{ ...line, count: 41, last_seen: line.timestamp, per_minute: [0, 1, 2] }],
    quarantined: [{ pool: 'default', command: 'predict', deaths: 3 }],
    totals: { errors: 41, kept: 2 },
  };

  it('lists kinds and errors, in 80 columns', async () => {
    const { code, out } = await shown(['errors'], { 'GET /api/errors?limit=20': list });
    expect(code).toBe(0);
    expect(out).toMatch(/^ +41 +3 +2 h 5 min +python_exception +predict +ValueError: long .*…$/m);
    expect(out).toMatch(/^e2 +2 h 5 min {2}python_exception +predict +ValueError/m);
    expect(out).toMatch(/^e1 +2 h 5 min {2}timeout +nlp\/predict/m);
    expect(out).toContain('The last 2 of 41 errors since the start');
    expect(out).toContain('1 request refused for having killed workers');
    for (const row of out.split('\n')) expect(row.length).toBeLessThanOrEqual(80);
  });

  it('asks for what is meant', async () => {
    const argv = [
      'errors',
      '--since',
      '15m',
      '--pool',
      'a b',
      '--command',
      'c',
      '--code',
      'timeout',
      '--limit',
      '5',
    ];
    const nothing = { errors: [], groups: [], totals: { errors: 3 } };
    const { out } = await shown(argv, {
      'GET /api/errors?since=15m&pool=a+b&command=c&code=timeout&limit=5': nothing,
    });
    expect(out).toBe('No such errors of 3 errors since the start.\n');
    const everything = await shown(['errors', '--json'], { 'GET /api/errors': list });
    expect(JSON.parse(everything.out)).toEqual(list);
  });

  it('shows everything that is known of one', async () => {
    const { code, out } = await shown(['errors', 'e/2'], {
      'GET /api/errors/e%2F2': {
        ...line,
        worker_id: 'default-1a2-0',
        worker_slot: 0,
        request_id: 'req_1',
        correlation_id: 'abc',
        retryable: false,
        event: 'snakepit.request.failed',
        measurements: { duration_ms: 1250, attempts: 2 },
        group: { count: 41, first_seen: line.timestamp },
        error: {
          error_message: 'ValueError: Invalid\u001b[31m input',
          python_traceback:
            'Traceback (most recent call last):\n  File "app.py", line 3, in predict\nValueError: Invalid input\n',
          python_stack: 'File "app.py", line 9 in sleep',
          request_context: { request_id: 'req_1', command: 'predict', args: { text: '[SANITIZED]' } },
          system_context: { pool_name: 'default', memory_mb: 120.5, uptime_seconds: 90 },
          attempts: [
            {
              attempt: 1,
              worker_id: 'default-1a2-9',
              code: 'worker_crashed',
              message: 'gone',
              duration_ms: 5,
            },
          ],
          exit: {
            code: 139,
            signal: null,
            oom: false,
            stderr_tail: ['Fatal Python error: Segmentation fault'],
            last_stack: 'Current thread 0x1',
            in_flight: ['req_1'],
            uptime_seconds: 90,
            requests: 7,
            memory_mb: [100, 120.5],
          },
        },
      },
    });
    expect(code).toBe(0);
    for (const part of [
      'python_exception (request), error e2\nValueError: Invalid input\n',
      '  worker        default-1a2-0, slot 0\n',
      '  memory        121 MiB\n',
      '  retryable     no\n',
      '  measured      duration 1.2 s, attempts 2\n',
      '  of its kind   41 errors, the first 2 h 5 min ago\n',
      'Python traceback:\n  Traceback (most recent call last):\n    File "app.py", line 3, in predict\n  ValueError: Invalid input\n',
      'Python stack:\n  File "app.py", line 9 in sleep\n',
      'Arguments:\n  {\n    "text": "[SANITIZED]"\n  }\n',
      'Earlier attempts:\n  1. worker_crashed on default-1a2-9 after 5 ms: gone\n',
      'It ended with code 139, 1 min 30 s old, after 7 requests.\n  Memory at its last readings, MiB: 100, 121\n  Lost with it: req_1\n',
      'Its last words on standard error:\n    Fatal Python error: Segmentation fault\n',
      'Its last Python stack:\n  Current thread 0x1\n',
    ])
      expect(out).toContain(part);
  });

  it('shows one of which little is known', async () => {
    const { code, out } = await shown(['errors', 'e2'], { 'GET /api/errors/e2': { ...line, error: null } });
    expect(code).toBe(0);
    expect(out).toContain('ValueError: long');
  });
});

describe('snakepit slow', () => {
  const row = {
    timestamp: line.timestamp,
    request_id: 'req_9f8e7d6c_1',
    pool: 'default',
    command: 'predict',
    phase: 'running',
    duration_ms: 5000,
    python_stack: 'File "app.py", line 9, in predict',
    status: 'timeout',
    total_ms: 60_000,
  };
  const list = {
    requests: [row, { ...row, request_id: null, python_stack: null, total_ms: null, status: 'running' }],
    totals: { seen: 9 },
  };

  it('lists slow requests, with their stacks where asked', async () => {
    const routes = { 'GET /api/requests/slow?limit=20': list };
    const { out } = await shown(['slow'], routes);
    expect(out).toMatch(/^req_9f8e7d6c_1 +2 h 5 min {2}predict {2}running +5 s +1 min {2}timeout {2}yes$/m);
    expect(out).not.toContain('line 9');
    expect((await shown(['slow', '--stacks'], routes)).out).toContain(
      'req_9f8e7d6c_1:\n  File "app.py", line 9, in predict\n',
    );
    for (const text of out.split('\n')) expect(text.length).toBeLessThanOrEqual(80);
  });
});

describe('snakepit recycle', () => {
  const replaced = {
    slot: 0,
    old_worker_id: 'w-1',
    new_worker_id: 'w-2',
    outcome: 'replaced',
    duration_ms: 1250,
  };
  const failed = {
    slot: 1,
    old_worker_id: 'w-3',
    new_worker_id: null,
    outcome: 'start_failed',
    duration_ms: 90,
    error: 'Traceback:\n  no torch',
  };

  it('replaces one', async () => {
    const { code, out } = await shown(['recycle', 'w/1'], { 'POST /api/workers/w%2F1/recycle': replaced });
    expect({ code, out }).toEqual({ code: 0, out: 'w-1 was replaced by w-2 (slot 0, 1.2 s).\n' });
  });

  it('replaces those of a pool, and fails when a new one does not start', async () => {
    const answer = { pool: 'p', recycled: [replaced, failed] };
    const { code, out } = await shown(['recycle', '--pool', 'p'], { 'POST /api/pools/p/recycle': answer });
    expect(code).toBe(1);
    expect(out).toContain(
      'w-3 goes on: its successor did not start (slot 1, 90 ms).\n  Traceback:\n    no torch\n',
    );
    const asJson = await shown(['recycle', '--pool', 'p', '--json'], { 'POST /api/pools/p/recycle': answer });
    expect({ ...asJson, out: JSON.parse(asJson.out) }).toMatchObject({ code: 1, out: answer });
    const none = await shown(['recycle', '--pool', 'p'], {
      'POST /api/pools/p/recycle': { pool: 'p', recycled: [] },
    });
    expect(none).toMatchObject({ code: 0, out: 'There was no worker to replace.\n' });
  });

  it('lets go what is quarantined', async () => {
    const argv = ['recycle', '--pool', 'p', '--unquarantine'];
    const path = 'POST /api/pools/p/unquarantine';
    const { out, seen } = await shown(argv, { [path]: { pool: 'p', slots: [0, 2], requests: 1 } });
    expect(out).toBe('Let go: 2 slots (0, 2) and 1 request.\n');
    expect(seen).toHaveLength(1);
    expect((await shown(argv, { [path]: { pool: 'p', slots: [], requests: 0 } })).out).toBe(
      'Nothing was quarantined.\n',
    );
  });
});

describe('snakepit stack', () => {
  it('prints what Python is doing', async () => {
    const { code, out } = await shown(['stack', 'w-1'], {
      'POST /api/workers/w-1/stack': {
        worker_id: 'w-1',
        pid: 4000,
        captured: 'control_thread',
        took_ms: 2.5,
        threads: 'Thread 0x1:\n  File "app.py", line 9 in predict\n',
        requests: [
          {
            request_id: 'req_1',
            command: 'predict',
            for_ms: 1250,
            stack: 'File "app.py", line 9, in predict\n',
          },
          { request_id: 'req_2', command: 'other', for_ms: 1, stack: '' },
        ],
      },
    });
    expect({ code, out }).toEqual({
      code: 0,
      out: `Worker w-1, pid 4000: told by its control thread (2.5 ms)

predict (req_1), running for 1.2 s:
  File "app.py", line 9, in predict

other (req_2), running for 1 ms:
  its stack could not be told from the others

All threads:
  Thread 0x1:
    File "app.py", line 9 in predict
`,
    });
  });

  it('fails where none could be had', async () => {
    const none = { worker_id: 'w-1', pid: 1, captured: 'none', took_ms: 2000, threads: '', requests: [] };
    const { code, out } = await shown(['stack', 'w-1'], { 'POST /api/workers/w-1/stack': none });
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('no stack could be had') });
  });
});

describe('snakepit drain', () => {
  it('says whether all was finished in the time it was given', async () => {
    const done = await shown(['drain', '--within', '2.5'], {
      'POST /api/drain': { drained: true, took_ms: 3 },
    });
    expect(done).toMatchObject({
      code: 0,
      out: 'Drained: nothing runs and nothing waits.\n',
      seen: [{ body: '{"within_ms":2500}' }],
    });
    const late = await shown(['drain'], { 'POST /api/drain': { drained: false, took_ms: 3 } });
    expect(late).toMatchObject({ code: 1, out: expect.stringContaining('Not all was finished in time') });
  });
});
