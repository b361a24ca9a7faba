import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createSnakepit } from '../../dist/index.js';
import { holds, kill, MARK, marked } from './processes.mjs';
import { seeded } from './random.mjs';
import { Recovery } from './recovery.mjs';
import { Tally } from './tally.mjs';

export const APP = fileURLToPath(new URL('../app.py', import.meta.url));

/** How long processes may take to be gone once nobody is to hold them any more. */
export const GONE_MS = 5000;

/** The place where one scenario runs: its chance, its folder, its mark, its instance, and what is counted of it. */
export class Lab {
  tally = new Tally();
  recovery = new Recovery();
  /** Milliseconds from the death of the last worker until readiness said no. */
  notReady = { asked: [], http: [] };
  /** What must hold and does not, a sentence each. @type {string[]} */
  broken = [];
  /** Processes that outlived what they belong to. */
  orphans = 0;
  mark = randomUUID();
  folder = mkdtempSync(join(tmpdir(), 'snakepit-chaos-'));
  runtimeDir = join(this.folder, 'run');
  #lastToken = 0;
  #pit;
  #ending = false;

  /** @param {{ name: string, seed: number, python: string }} settings */
  constructor({ name, seed, python }) {
    this.python = python;
    this.random = seeded(seed, name);
    mkdirSync(this.runtimeDir);
  }

  /** Notes what must hold. */
  must(condition, text) {
    if (!condition) this.broken.push(text);
    return condition;
  }

  /** Options of a pool of the chaos app. */
  poolOptions({ env, ...options } = {}) {
    return {
      app: APP,
      python: this.python,
      workers: 2,
      timeoutMs: 20_000,
      ...options,
      env: { CHAOS_FOLDER: this.folder, [MARK]: this.mark, ...env },
    };
  }

  /** Starts the instance. */
  async open(pool, more = {}) {
    this.#pit = await createSnakepit({
      logs: false,
      runtimeDir: this.runtimeDir,
      pools: { default: this.poolOptions(pool) },
      ...more,
    });
    this.tally.attach(this.#pit);
    this.recovery.attach(this.#pit);
    return this.#pit;
  }

  get pit() {
    return this.#pit;
  }

  /** The rows of the workers that live. */
  get workers() {
    return this.#pit.snapshot().pools.default.workers.filter(({ pid }) => pid !== null);
  }

  /** Those that can take requests. */
  get serving() {
    return this.workers.filter(({ state }) => state === 'ready' || state === 'busy');
  }

  raise(flag) {
    writeFileSync(join(this.folder, flag), '');
  }

  lower(flag) {
    rmSync(join(this.folder, flag), { force: true });
  }

  // Requests

  /** Sends a request of its own token. Resolves with whether it succeeded; never rejects. */
  send(command, args = {}, options = {}) {
    const token = ++this.#lastToken;
    const answer = this.#pit.execute(command, { token, ...args }, options);
    return this.tally.follow(answer, (value) => !honest.has(command) || value === token);
  }

  /** Reads a stream to its end; the same. */
  read(command, args = {}, options = {}) {
    const token = ++this.#lastToken;
    const readAll = async () => {
      for await (const _ of this.#pit.stream(command, { token, ...args }, options));
    };
    return this.tally.follow(readAll());
  }

  /** One request of the usual mix: half may be started again, half must not run twice. */
  sendAny() {
    const dice = this.random.next();
    if (dice < 0.3) return this.send('echo', {}, { idempotent: true });
    if (dice < 0.5) return this.send('work', { ms: 5 }, { idempotent: true });
    if (dice < 0.75) return this.send('once');
    if (dice < 0.95) return this.send('once', { ms: 5 });
    return this.read('count');
  }

  /**
   * Keeps requests coming.
   *
   * @returns {{ stop: () => Promise<void> }} `stop` resolves when all of them are settled
   */
  load({ lanes = 6, pauseMs = 3 } = {}) {
    let going = true;
    const lane = async () => {
      // A scenario that fails in the middle stops no load of its own.
      while (going && !this.#ending) {
        await this.sendAny();
        await sleep(this.random.between(0, pauseMs));
      }
    };
    const all = Promise.all(Array.from({ length: lanes }, lane));
    return {
      stop: () => {
        going = false;
        return all.then(() => {});
      },
    };
  }

  // Blows

  /** Signals a worker, the process alone, and starts the clock of its recovery. */
  strike(worker, signal = 'SIGKILL') {
    this.recovery.struck(worker);
    try {
      process.kill(worker.pid, signal);
    } catch {
      // It died by itself just now.
    }
  }

  /** Strikes a worker that has answered something: one that never did would end in quarantine, and rightly. */
  async strikeAny(signal) {
    const useful = () => this.serving.filter(({ requests }) => requests > 0);
    await holds(() => useful().length > 0);
    const worker = this.random.pick(useful());
    if (worker !== undefined) this.strike(worker, signal);
    return worker;
  }

  /** Waits until every slot has a worker that has answered; that it does is a must. */
  async servesAgain() {
    const { workers: slots } = this.#pit.snapshot().pools.default;
    const all = await holds(async () => {
      if (this.serving.length < slots.length) return false;
      await Promise.all(slots.map(() => this.send('echo')));
      return this.serving.filter(({ requests }) => requests > 0).length === slots.length;
    });
    const states = this.#pit.snapshot().pools.default.workers.map(({ state }) => state);
    this.must(all, `the pool did not serve again within 30 s, its workers are ${states.join(', ')}`);
  }

  /** The living processes of this scenario. */
  get processes() {
    return marked(this.mark);
  }

  /** Waits until only so many of its processes live; what stays is counted as orphans. Resolves with how long it took, in milliseconds. */
  async gone(allowed = [], mark = this.mark) {
    const began = performance.now();
    const left = () => marked(mark).filter((pid) => !allowed.includes(pid));
    await holds(() => left().length === 0, GONE_MS);
    const took = performance.now() - began;
    const orphans = left();
    this.orphans += orphans.length;
    kill(orphans);
    return took;
  }

  /** Closes the instance; everything it had is then gone. */
  async close() {
    const pit = this.#pit;
    this.#pit = undefined;
    if (pit === undefined) return;
    let closed = false;
    await Promise.race([pit.close().then(() => (closed = true)), sleep(40_000, undefined, { ref: false })]);
    this.must(closed, 'close did not come to an end');
  }

  /** Ends everything, whatever has happened, and looks at what is left. */
  async end() {
    this.#ending = true;
    await this.close();
    await holds(() => this.tally.settled === this.tally.sent, GONE_MS);
    await this.gone();
    const left = readdirSync(this.runtimeDir);
    this.must(left.length === 0, `private directories were left: ${left.join(', ')}`);
    this.must(this.tally.settled === this.tally.sent, 'requests were never settled');
    this.must(this.tally.completed === this.tally.sent, 'requests were not reported as completed, once each');
    this.must(this.tally.settledTwice === 0, 'requests were settled twice');
    this.must(this.tally.wrong === 0, 'answers went to the wrong question');
    this.must(this.ranTwice() === 0, 'requests ran twice that must not');
    this.must(this.orphans === 0, 'processes were left');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Requests that must not run twice and did. */
  ranTwice() {
    const path = join(this.folder, 'runs');
    if (!existsSync(path)) return 0;
    const runs = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    return runs.length - new Set(runs).size;
  }
}

/** Commands that answer with the token they got. */
const honest = new Set(['echo', 'work', 'once', 'flood', 'say']);
