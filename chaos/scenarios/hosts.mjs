import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { summary } from '../lib/figures.mjs';
import { GONE_MS } from '../lib/lab.mjs';
import { childrenOf, holds, isAlive, kill, MARK, marked } from '../lib/processes.mjs';

const PROGRAM = fileURLToPath(new URL('../host.mjs', import.meta.url));

let lastHost = 0;

/** How long a host may take that ends by itself. */
const ENDED_MS = 120_000;

/** Starts a host. Its mark is in its environment, so that also what it starts before it has said anything can be found. */
const startHost = (lab, { mark, logs = false, ...settings }) => {
  const pool = lab.poolOptions();
  const options = {
    logs,
    runtimeDir: lab.runtimeDir,
    pools: { default: { ...pool, env: { ...pool.env, [MARK]: mark } } },
  };
  const child = spawn(
    process.execPath,
    [PROGRAM, JSON.stringify({ options, ...settings, host: ++lastHost })],
    {
      env: { ...process.env, [MARK]: mark },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  let said = '';
  let complained = '';
  child.stdout.on('data', (data) => {
    said += data;
  });
  child.stderr.on('data', (data) => {
    complained += data;
  });
  child.stdin.on('error', () => {});
  const exited = once(child, 'close');
  return {
    pid: child.pid,
    exited,
    isReady: () => said.includes('ready\n'),
    lastLine: () => said.trimEnd().split('\n').at(-1),
    complaints: () => complained,
  };
};

/** The end of a host that says `ready` and is then asked for nothing but to end by itself. */
const endsWell = async (lab, settings) => {
  const mark = randomUUID();
  const host = startHost(lab, { mark, children: 0, requests: 200, ...settings });
  const ended = await Promise.race([host.exited.then(() => true), sleep(ENDED_MS, false, { ref: false })]);
  if (!ended) kill([host.pid]);
  await host.exited;
  lab.must(ended, 'a host did not end by itself');
  await lab.gone([], mark);
  return host;
};

/** One host, killed at a moment of chance. */
const killOne = async (lab, facts, duringStart) => {
  const mark = randomUUID();
  const delay = lab.random.between(0, duringStart ? 700 : 300);
  const host = startHost(lab, { mark, children: 1 });
  if (!duringStart) {
    const ready = await holds(() => host.isReady(), 30_000, 5);
    lab.must(ready, `a host was not ready within 30 s: ${host.complaints()}`);
  }
  await sleep(delay);
  facts[host.isReady() ? 'while_serving' : 'while_starting']++;
  // Held still for the moment of looking, so that nothing it starts is missed: its guardian carries no mark.
  process.kill(host.pid, 'SIGSTOP');
  const guardians = childrenOf(host.pid);
  process.kill(host.pid, 'SIGKILL');
  const killedAt = performance.now();
  const left = () => [...new Set([...marked(mark), ...guardians.filter(isAlive)])];
  await holds(() => left().length === 0, GONE_MS, 15);
  facts.gone.push(performance.now() - killedAt);
  const orphans = left();
  lab.orphans += orphans.length;
  kill(orphans);
  await host.exited;
};

export const killedHosts = {
  name: 'kill -9 of the host',
  run: async (lab, { long, rounds = long ? 200 : 5 }) => {
    const facts = { while_serving: 0, while_starting: 0, gone: [] };
    let begun = 0;
    const lane = async () => {
      while (begun < rounds) await killOne(lab, facts, begun++ % 2 === 0);
    };
    await Promise.all([lane(), lane()]);
    // What a host made and was dead before it could tell the guardian is left to the next start.
    const untold = readdirSync(lab.runtimeDir).length;
    const next = await endsWell(lab, { children: 1 });
    lab.must(next.lastLine()?.startsWith('{'), `the next host did not serve: ${next.complaints()}`);
    const { gone, ...counts } = facts;
    const { p50, p99 } = summary(gone);
    return { hosts: rounds, ...counts, gone_ms_p50: p50, gone_ms_p99: p99, directories_untold: untold };
  },
};

export const fullDisk = {
  name: 'disk full for logs',
  run: async (lab, { long }) => {
    const requests = long ? 8000 : 500;
    const host = await endsWell(lab, { requests, logs: { level: 'trace', dest: '/dev/full' } });
    if (!lab.must(host.lastLine()?.startsWith('{'), `the host did not serve: ${host.complaints()}`)) return;
    const { sent, settled, settledTwice, completed, wrong, codes } = JSON.parse(host.lastLine());
    Object.assign(lab.tally, { sent, settled, settledTwice, completed, wrong, codes, succeeded: settled });
    lab.must(Object.keys(codes).length === 0, `requests failed: ${JSON.stringify(codes)}`);
    lab.must(/\/dev\/full.*ENOSPC/.test(host.complaints()), 'nobody was told that the log cannot be written');
  },
};
