import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prometheus, serveOn } from '../consumers/metrics/prometheus.ts';
import { errorOf, python, sharedPit, until } from '../support/pit.ts';
import { requireTool } from '../support/tools.ts';

const app = () => python`
  @command
  def hello():
      return "hello"

  @command
  def fail():
      raise ValueError("wrong")

  @command
  def nap(seconds: float):
      time.sleep(seconds)
`;

const REQUESTS = 1500;
const LANES = 12;
const KILLS = 5;

describe.skipIf(!requireTool('prometheus'))(
  'under load and while workers are killed, a real Prometheus',
  () => {
    const shared = sharedPit({
      pool: { app: app(), workers: 3, restartDelayMs: 10, crashLoopAfter: 50 },
      ops: { port: 0 },
      metrics: { native: {} },
    });
    const truth = new Map<string, number>();
    let native: Prometheus;
    let classic: Prometheus;
    let closeProxy: () => void;

    beforeAll(async () => {
      const { pit } = shared;
      const port = Number(new URL(pit.opsUrl as string).port);
      // It asks for OpenMetrics by itself; the older text only when nothing else is on offer.
      const text = await serveOn(async (_, response) => {
        const answer = await fetch(`${pit.opsUrl}/metrics`, {
          headers: { accept: 'text/plain;version=0.0.4' },
        });
        response.setHeader('content-type', answer.headers.get('content-type') as string);
        response.end(await answer.text());
      });
      closeProxy = () => text.server.close();
      native = await Prometheus.start({ protobuf: port }, '--enable-feature=native-histograms');
      classic = await Prometheus.start({ openmetrics: port, text: text.port });

      let sent = 0;
      const lane = async () => {
        while (sent < REQUESTS) {
          const i = sent++;
          const asked =
            i % 11 === 0
              ? pit.execute('fail')
              : i % 50 === 1
                ? pit.execute('nap', { seconds: 0.2 })
                : pit.execute('hello');
          const status = await asked.then(
            () => 'success',
            (error) => error.status as string,
          );
          truth.set(status, (truth.get(status) ?? 0) + 1);
        }
      };
      const lanes = Array.from({ length: LANES }, lane);
      for (let kills = 1; kills <= KILLS; kills++) {
        await until(() => sent > (kills * REQUESTS) / (KILLS + 1), 'so much is sent');
        const [pid] = shared.pids();
        if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      }
      await Promise.all(lanes);
      await errorOf(pit.execute('nobody'));
      truth.set('rejected', (truth.get('rejected') ?? 0) + 1);
    }, 60_000);

    afterAll(async () => {
      await Promise.all([native?.stop(), classic?.stop()]);
      closeProxy?.();
    });

    /** Once it has scraped everything; what has been counted is counted for good. */
    const counted = async (prometheus: Prometheus, job: string, status: string): Promise<number> => {
      const query = `sum(snakepit_requests_total{job="${job}",status="${status}"})`;
      const expected = truth.get(status) ?? 0;
      let value = -1;
      for (let i = 0; i < 200 && value !== expected; i++) {
        value = await prometheus.value(query);
        if (value > expected) break;
        if (value !== expected) await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return value;
    };

    it.each([
      ['protobuf', () => native],
      ['openmetrics', () => classic],
      ['text', () => classic],
    ])(
      'has counted every request to the last, by status, over %s',
      async (job, prometheus) => {
        expect([...truth.values()].reduce((a, b) => a + b)).toBe(REQUESTS + 1);
        expect(truth.get('crashed')).toBeGreaterThan(0);
        for (const [status, count] of truth) {
          expect([status, await counted(prometheus(), job, status)]).toEqual([status, count]);
        }
        const durations =
          job === 'protobuf'
            ? 'sum(histogram_count(snakepit_request_duration_seconds))'
            : `sum(snakepit_request_duration_seconds_count{job="${job}"})`;
        // Refused requests have no duration.
        expect(await prometheus().value(durations)).toBe(REQUESTS + 1 - (truth.get('rejected') ?? 0));
      },
      60_000,
    );

    it.each(['openmetrics', 'text'])('never saw a counter fall, over %s', async (job) => {
      const resets = `sum(resets(snakepit_requests_total{job="${job}"}[10m])) + sum(resets(snakepit_worker_exits_total{job="${job}"}[10m])) + sum(resets(snakepit_worker_cpu_seconds_total{job="${job}"}[10m]))`;
      expect(await classic.value(resets)).toBe(0);
    });
  },
);
