import { describe, expect, it } from 'vitest';
import { history, sliceFrame, workersFrame } from '../../dashboard/src/data/parse.ts';
import { nowFrame } from '../../dashboard/src/data/parse-now.ts';
import { readRecorded } from '../../dashboard/src/data/recorded.ts';

const nonsense = [undefined, null, 7, 'x', [], {}, { at: 'now' }, { at: Number.NaN }];

describe('frames', () => {
  it('are not taken where they are none', () => {
    for (const value of nonsense) {
      expect(nowFrame(value)).toBeNull();
      expect(workersFrame(value)).toBeNull();
      expect(sliceFrame(value)).toBeNull();
      expect(history(value)).toBeNull();
    }
  });

  it('of another version leave unknown what they do not tell', () => {
    const frame = nowFrame({
      at: 1,
      status: 'purple',
      pools: [{ name: 'a', p50_ms: 'fast' }, null],
      total: 3,
    });
    expect(frame?.status).toBe('ok');
    expect(frame?.total.requests_per_second).toBeNull();
    expect(frame?.total.workers.ready).toBe(0);
    expect(frame?.pools.map(({ name, p50_ms }) => [name, p50_ms])).toEqual([
      ['a', null],
      ['?', null],
    ]);
    expect(frame?.counts.errors).toBe(0);
  });
});

describe('a recorded page', () => {
  const source = JSON.stringify({
    recorded_at: '2026-11-24T15:00:00.000Z',
    now: { at: 5, status: 'error' },
    workers: { at: 5, pools: { a: [{ pool_name: 'a', worker_id: 'a-1', worker_slot: 2 }] } },
    history: { total: { from: 1, step_ms: 5000, slices: [] }, pools: { a: { from: 2, step_ms: 5000 } } },
    errors: { errors: ['list'] },
    error_details: { 'e/1': { id: 'e/1' } },
    config: null,
    events: [{ event_name: 'x' }],
  });

  it('answers what the server would', () => {
    const recorded = readRecorded(source);
    expect(recorded?.at).toBe(Date.parse('2026-11-24T15:00:00.000Z'));
    expect(recorded?.now?.status).toBe('error');
    expect(recorded?.answer('api/errors')).toEqual({ errors: ['list'] });
    expect(recorded?.answer(`api/errors/${encodeURIComponent('e/1')}`)).toEqual({ id: 'e/1' });
    expect(recorded?.answer('api/history?pool=a')).toMatchObject({ from: 2 });
    expect(recorded?.answer('api/history')).toMatchObject({ from: 1 });
    expect(recorded?.answer('api/workers/a-1')).toMatchObject({ worker_slot: 2, lives: [] });
    expect(recorded?.events).toHaveLength(1);
  });

  it('has no answer to what it does not hold', () => {
    const recorded = readRecorded(source);
    for (const path of [
      'api/errors/e2',
      'api/history?pool=b',
      'api/history?command=c',
      'api/workers/x',
      'api/config',
    ])
      expect(recorded?.answer(path)).toBeUndefined();
    expect(readRecorded('{broken')).toBeNull();
    expect(readRecorded(null)).toBeNull();
  });
});
