import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Serves on a free port of loopback. */
export const serveOn = async (listener: RequestListener): Promise<{ server: Server; port: number }> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
};

const freePort = async (): Promise<number> => {
  const { server, port } = await serveOn(() => {});
  await new Promise((resolve) => server.close(resolve));
  return port;
};

export type Result = { readonly metric: Record<string, string>; readonly value: number }[];

/** A Prometheus that scrapes what it is told five times a second. */
export class Prometheus {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #url: string;
  #said = '';

  private constructor(process: ChildProcess, folder: string, url: string) {
    this.#process = process;
    this.#folder = folder;
    this.#url = url;
    process.stderr?.on('data', (chunk) => {
      this.#said = (this.#said + chunk).slice(-4000);
    });
  }

  /** @param jobs - ports by job name */
  static start(jobs: Readonly<Record<string, number>>, ...flags: string[]): Promise<Prometheus> {
    const scrapes = Object.entries(jobs).map(
      ([job, port]) => `  - job_name: ${job}\n    static_configs:\n      - targets: ['127.0.0.1:${port}']\n`,
    );
    return Prometheus.startWith(
      `global:\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\nscrape_configs:\n${scrapes.join('')}`,
      ...flags,
    );
  }

  /** @param text - the configuration */
  static async startWith(text: string, ...flags: string[]): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'snakepit-prometheus-'));
    const config = join(folder, 'prometheus.yml');
    writeFileSync(config, text);
    const port = await freePort();
    const process = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        ...flags,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    return new Prometheus(process, folder, `http://127.0.0.1:${port}`);
  }

  /** Where its API is. */
  get url(): string {
    return this.#url;
  }

  async #get(path: string): Promise<unknown> {
    if (this.#process.exitCode !== null) throw new Error(`Prometheus has ended:\n${this.#said}`);
    try {
      const answer = await fetch(this.#url + path);
      return answer.ok ? await answer.json() : undefined;
    } catch {
      // It is not up yet.
      return undefined;
    }
  }

  /** Asks until there is an answer with rows in it. */
  async query(promql: string): Promise<Result> {
    for (;;) {
      const answer = (await this.#get(`/api/v1/query?query=${encodeURIComponent(promql)}`)) as
        | { data: { result: { metric: Record<string, string>; value: [number, string] }[] } }
        | undefined;
      const rows = answer?.data.result ?? [];
      if (rows.length > 0) return rows.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
      const broken = (await this.targets()).find(
        ({ lastError }) => lastError !== '' && !lastError.includes('deadline'),
      );
      if (broken !== undefined) throw new Error(`The scrape failed: ${broken.lastError}`);
      await sleep(50);
    }
  }

  /** The one value of a query. */
  async value(promql: string): Promise<number> {
    const rows = await this.query(promql);
    if (rows.length !== 1) throw new Error(`${promql} has ${rows.length} results.`);
    return rows[0]?.value as number;
  }

  /** Asks for the exemplars of a series until there are some. */
  async exemplars(series: string, at: number): Promise<{ labels: Record<string, string>; value: string }[]> {
    const range = `start=${at / 1000 - 1}&end=${at / 1000 + 1}`;
    for (;;) {
      const path = `/api/v1/query_exemplars?query=${encodeURIComponent(series)}&${range}`;
      const answer = (await this.#get(path)) as
        | { data: { exemplars: { labels: Record<string, string>; value: string }[] }[] }
        | undefined;
      const found = answer?.data.flatMap(({ exemplars }) => exemplars) ?? [];
      if (found.length > 0) return found;
      await sleep(50);
    }
  }

  async targets(): Promise<{ lastError: string }[]> {
    const answer = (await this.#get('/api/v1/targets')) as
      | { data: { activeTargets: { lastError: string }[] } }
      | undefined;
    return answer?.data.activeTargets ?? [];
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
