import { describe, expect, it } from 'vitest';
import { cpuShare, partsOf } from '../../dashboard/src/text/anatomy.ts';
import { type ConfigView, settingsOf, valueText } from '../../dashboard/src/text/config.ts';
import { changesOf, type StatusChange, shareOf, stripOf } from '../../dashboard/src/text/strip.ts';

const NOW = 1_700_000_000_000;
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const change = (seconds: number, from: string, to: string, check: string | null = 'a'): StatusChange => ({
  at: ago(seconds),
  ...{ check, from, to, why: '' },
});
const strip = (history: readonly StatusChange[], more: object = {}) =>
  stripOf({ history, check: 'a', status: 'ok', now: NOW, spanMs: 900_000, ...more }).map(
    ({ status, from, to }) => [status, (NOW - from) / 1000, (NOW - to) / 1000],
  );

describe('how a status went', () => {
  it('is one stretch where it did not change', () => {
    expect(strip([])).toEqual([['ok', 900, 0]]);
  });

  it('changes where it changed, and covers the whole span', () => {
    const history = [
      change(60, 'warning', 'ok'),
      change(100, 'ok', 'warning'),
      change(100, 'ok', 'error', 'b'),
    ];
    expect(strip(history)).toEqual([
      ['ok', 900, 100],
      ['warning', 100, 60],
      ['ok', 60, 0],
    ]);
  });

  it('reaches into the span from before it', () => {
    expect(strip([change(60, 'error', 'ok'), change(2000, 'ok', 'error')])).toEqual([
      ['error', 900, 60],
      ['ok', 60, 0],
    ]);
  });

  it('is not known before the start', () => {
    expect(strip([], { startedAt: NOW - 30_000 })).toEqual([
      ['unknown', 900, 30],
      ['ok', 30, 0],
    ]);
  });

  it('is not known before the oldest change that is kept, where older ones may be missing', () => {
    const history = Array.from({ length: 50 }, (_, i) => change(i + 1, 'ok', 'warning', 'b'));
    expect(strip(history)).toEqual([
      ['unknown', 900, 50],
      ['ok', 50, 0],
    ]);
  });

  it('stands changes that come from a clock ahead of this one', () => {
    expect(strip([change(-5, 'error', 'ok')])).toEqual([['error', 900, 0]]);
  });

  it('has shares of what is known', () => {
    const stretches = [
      { status: 'unknown', from: 0, to: 100 },
      { status: 'ok', from: 100, to: 175 },
      { status: 'error', from: 175, to: 200 },
    ];
    expect(shareOf(stretches, 'ok')).toBe(0.75);
    expect(shareOf([], 'ok')).toBe(0);
  });

  it('of the whole is told from that of the checks', () => {
    const history = [change(1, 'ok', 'error', null), change(1, 'ok', 'error')];
    expect(changesOf(history, null)).toEqual([history[0]]);
  });
});

describe('where the time of a request went', () => {
  it('adds up to the whole', () => {
    const parts = partsOf({
      ...{ queue_ms: 10, serialise_ms: 1, transport_ms: 4, python_ms: 80, python_cpu_ms: 30, total_ms: 100 },
    });
    expect(parts.map(({ kind, ms }) => [kind, ms])).toEqual([
      ['queue', 10],
      ['serialise', 1],
      ['transport', 4],
      ['python_cpu', 30],
      ['python_wait', 50],
      ['rest', 5],
    ]);
    expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  });

  it('leaves out what was not measured, and says how much of it there is', () => {
    expect(partsOf({ queue_ms: 0, total_ms: 250 })).toEqual([
      { kind: 'rest', label: 'Not told apart', ms: 250, share: 1 },
    ]);
  });

  it('never has a share above the whole, though clocks differ', () => {
    const parts = partsOf({ queue_ms: 0, python_ms: 10, python_cpu_ms: 12, total_ms: 9 });
    expect(parts).toMatchObject([{ kind: 'python_cpu', ms: 10, share: 1 }]);
    expect(cpuShare({ queue_ms: 0, python_ms: 10, python_cpu_ms: 12, total_ms: 9 })).toBe(1);
  });

  it('is nothing of a request without a duration', () => {
    expect(partsOf({ queue_ms: 0, total_ms: 0 })).toEqual([]);
    expect(cpuShare({ queue_ms: 0, total_ms: 1 })).toBeUndefined();
  });
});

describe('settings', () => {
  const view: ConfigView = {
    version: 3,
    file: 'snakepit.yaml',
    config: { pools: { a: { workers: 4, env: {}, list: [1, { x: 2 }] } }, 'odd.key': 'text', nothing: null },
    drift: [],
    restart_required: [],
    live: ['pools.a.workers'],
    origins: { 'pools.a': 'snakepit.yaml', 'pools.a.workers': 'live' },
    last_reload: null,
  };

  it('are the keys with their values, where those come from, and whether they change live', () => {
    expect(settingsOf(view)).toEqual([
      { path: 'pools.a.workers', value: '4', origin: 'live', live: true },
      { path: 'pools.a.env', value: '{}', origin: 'snakepit.yaml', live: false },
      { path: 'pools.a.list', value: '[1,{"x":2}]', origin: 'snakepit.yaml', live: false },
      { path: 'odd.key', value: 'text', origin: null, live: false },
      { path: 'nothing', value: 'unset', origin: null, live: false },
    ]);
    expect(valueText(undefined)).toBe('unset');
  });
});
