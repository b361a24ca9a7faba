import { describe, expect, it } from 'vitest';
import { levelOf, saidOf } from '../../dashboard/src/text/say.ts';
import { storyOf, type Told } from '../../dashboard/src/text/story.ts';
import type { LiveEvent } from '../../dashboard/src/text/types.ts';
import { levelOf as levelOnServer } from '../../src/consumers/live/kinds.ts';
import { catalog } from '../../src/events/index.ts';
import captured from './fixtures/stories.json' with { type: 'json' };

const all = captured as unknown as readonly Told[];
const of = (correlation: string) => all.filter(({ event }) => event.metadata.correlation_id === correlation);
const timedOut = of('c0cb412a2d68a2627346b84b13a17f48');
const streamed = of('7350d87d805dca382f7e23c9ace7f1e7');

const told = (n: number, name: string, atMs: number, more: Partial<LiveEvent> = {}): Told => ({
  id: `i-${n}`,
  event: {
    event_name: name,
    measurements: more.measurements ?? {},
    metadata: {
      timestamp: new Date(1_700_000_000_000 + atMs).toISOString(),
      request_id: 'r',
      ...more.metadata,
    },
  },
});

describe('the story of a captured request', () => {
  it('goes from its acceptance over what Python said to its end', () => {
    const [chapter] = storyOf(timedOut)?.chapters ?? [];
    expect(chapter?.steps.map(({ title }) => title)).toEqual([
      'Accepted',
      'Started',
      'Python says (warning)',
      'Slow',
      'Out of time',
      'Settled',
    ]);
    expect(chapter).toMatchObject({ command: 'slow_report', outcome: 'timeout', whole: true, startMs: 0 });
    expect(chapter?.steps[0]?.offsetMs).toBe(0);
    expect(
      chapter?.steps.every(
        ({ untilNextMs }, i, steps) => (i === steps.length - 1) === (untilNextMs === null),
      ),
    ).toBe(true);
    expect(chapter?.durationMs).toBeGreaterThanOrEqual(250);
  });

  it('is the same whatever the order the events come in, and however often', () => {
    const mixed = [...timedOut.slice(3), ...timedOut.toReversed(), ...timedOut.slice(0, 2)];
    expect(storyOf(mixed)).toEqual(storyOf(timedOut));
  });

  it('of a stream has where its time went, and counts its chunks', () => {
    const [chapter] = storyOf(streamed)?.chapters ?? [];
    expect(chapter).toMatchObject({ outcome: 'success', chunks: 1 });
    expect(chapter?.parts.map(({ kind }) => kind)).toContain('transport');
  });
});

describe('a story', () => {
  it('is none without events', () => {
    expect(storyOf([])).toBeUndefined();
  });

  it('begins where its request did, though nobody saw it begin', () => {
    const story = storyOf([
      told(2, 'snakepit.request.completed', 500, { measurements: { duration_ms: 400 } }),
      told(1, 'python.log', 300),
    ]);
    expect(story?.from).toBe(1_700_000_000_100);
    expect(story?.chapters[0]).toMatchObject({ whole: false, startMs: 0, durationMs: 400 });
    expect(story?.chapters[0]?.steps.map(({ offsetMs }) => offsetMs)).toEqual([200, 400]);
  });

  it('tells the requests of one operation apart, and what belongs to none comes last', () => {
    const story = storyOf([
      told(1, 'python.app.begin', 0, { metadata: { request_id: undefined } as never }),
      told(4, 'snakepit.request.queued', 20, { metadata: { request_id: 'second' } as never }),
      told(2, 'snakepit.request.queued', 10, { metadata: { request_id: 'first' } as never }),
    ]);
    expect(story?.chapters.map(({ requestId }) => requestId)).toEqual(['first', 'second', null]);
    expect(story?.durationMs).toBe(20);
  });

  it('has only the first and the last of many chunks', () => {
    const chunks = Array.from({ length: 100 }, (_, i) =>
      told(i, 'snakepit.stream.chunk', i, { measurements: { index: i } }),
    );
    const [chapter] = storyOf(chunks)?.chapters ?? [];
    expect(chapter?.steps.map(({ title }) => title)).toEqual(['Chunk 1', 'Chunk 100']);
    expect(chapter?.chunks).toBe(100);
  });

  it('has no outcome while it runs', () => {
    expect(storyOf([told(1, 'snakepit.request.started', 0)])?.chapters[0]?.outcome).toBeNull();
  });

  it('keeps what happened in the same millisecond in the order in which it happens', () => {
    const names = ['snakepit.request.completed', 'snakepit.request.started', 'snakepit.request.queued'];
    const [chapter] = storyOf(names.map((name, i) => told(i, name, 0)))?.chapters ?? [];
    expect(chapter?.steps.map(({ title }) => title)).toEqual(['Accepted', 'Started', 'Settled']);
  });
});

describe('what an event says', () => {
  it('has the level the server judges it by', () => {
    for (const name of [...Object.keys(catalog), 'python.app.thing', 'my.event']) {
      for (const level of [undefined, 'warning', 'critical', 'nonsense']) {
        const metadata = { timestamp: '2025-01-15T10:30:00.000Z', level };
        const event = { event_name: name, measurements: {}, metadata };
        const there = levelOnServer({ ...event, metadata: { ...metadata, timestamp: 0 } });
        expect([name, level, levelOf(event)]).toEqual([name, level, there]);
      }
    }
  });

  it('is one line with what matters first', () => {
    const slow = timedOut.find(({ event }) => event.event_name === 'snakepit.request.timed_out')
      ?.event as LiveEvent;
    expect(saidOf(slow)).toMatch(/^timeout The request was not finished after 250 ms/);
    expect(
      saidOf(told(1, 'x', 0, { metadata: { message: `a\nb${'c'.repeat(999)}` } as never }).event),
    ).toHaveLength(300);
  });

  it('says for how many it stands', () => {
    const { event } = told(1, 'x', 0);
    expect(saidOf({ ...event, sample_weight: 10 })).toBe('(stands for 10)');
  });
});
