import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { appFile, errorOf, startPit, type TestPit } from '../support/pit.ts';

const codecs = ['json', 'msgpack'] as const;
const protocolError = {
  code: 'protocol_error',
  category: 'worker',
  status: 'crashed',
  httpStatus: 502,
  retryable: false,
};

/** Two workers: one holds a request until the gate 'go' is open, the other is about to misbehave. */
const twoWorkers = async (codec: (typeof codecs)[number] = 'json') => {
  const test = await startPit({ pool: { app: appFile('faults.py'), workers: 2, codec, restartDelayMs: 1 } });
  await test.serving(2);
  const neighbour = test.pit.execute('hold', { gate: 'go' });
  await test.noted('holding go');
  return { test, neighbour };
};

const unhurt = async (test: TestPit, neighbour: Promise<unknown>) => {
  await test.serving(2);
  expect(await test.pit.execute('hello')).toBeGreaterThan(0);
  test.open('go');
  expect(await neighbour).toBe('held');
  expect(test.events.named('snakepit.worker.starting')).toHaveLength(3);
};

// The connections are found through /proc.
describe.skipIf(!existsSync('/proc/self/fd'))('a worker that breaks the protocol', () => {
  it.each<[string, RegExp, ...(typeof codecs)[number][]]>([
    ['garbage', /frame/, 'json', 'msgpack'],
    ['no array', /no array/, 'json'],
    ['empty frame', /0 bytes/, 'json', 'msgpack'],
    ['oversized frame', /4294967295 bytes/, 'json', 'msgpack'],
    ['unknown type', /type 99/, 'json'],
    ['control frame', /type 10/, 'json'],
    ['wrong field', /number/, 'json'],
    ['missing fields', /map/, 'json'],
    ['answer to nobody', /4000000/, 'json'],
    ['chunk for nobody', /4000000/, 'json'],
    ['unknown log level', /loud/, 'json'],
    ['unknown tag', /frame/, 'json'],
  ])(
    'with %s: its request fails, it is replaced, the other worker is unhurt',
    async (fault, reason, ...over) => {
      for (const codec of over) {
        const { test, neighbour } = await twoWorkers(codec);
        const error = await errorOf(test.pit.execute('write', { fault }));
        expect(error).toMatchObject(protocolError);
        expect(error.message).toMatch(reason);
        const [death] = test.events.named('snakepit.worker.crashed');
        expect(death?.metadata).toMatchObject({ code: 'protocol_error', reason: 'crashed' });
        expect(death?.metadata.error.exit?.in_flight).toEqual([error.requestId]);
        await unhurt(test, neighbour);
      }
    },
  );

  it('on the control connection', async () => {
    const { test, neighbour } = await twoWorkers();
    expect(await errorOf(test.pit.execute('write_on_control'))).toMatchObject(protocolError);
    await unhurt(test, neighbour);
  });

  it('with a frame cut short, and lives on', async () => {
    const { test, neighbour } = await twoWorkers();
    expect(await errorOf(test.pit.execute('break_off'))).toMatchObject(protocolError);
    await unhurt(test, neighbour);
  });

  it('with a frame cut short by its own end: that is a crash', async () => {
    const { test, neighbour } = await twoWorkers();
    const error = await errorOf(test.pit.execute('break_off_and_die'));
    expect(error).toMatchObject({ code: 'worker_crashed', context: { exit: { code: 5 } } });
    await unhurt(test, neighbour);
  });

  it('by hanging up its work connection: transport_error', async () => {
    const { test, neighbour } = await twoWorkers();
    const error = await errorOf(test.pit.execute('hang_up', { which: 'work' }));
    expect(error).toMatchObject({
      code: 'transport_error',
      category: 'worker',
      status: 'crashed',
      httpStatus: 502,
    });
    await unhurt(test, neighbour);
  });

  it('by hanging up its control connection: it ends by itself or is ended', async () => {
    const { test, neighbour } = await twoWorkers();
    const error = await errorOf(test.pit.execute('hang_up', { which: 'control' }));
    expect(error.code).toBeOneOf(['transport_error', 'worker_crashed']);
    await unhurt(test, neighbour);
  });

  it('what waited behind the request is run by another worker', async () => {
    const test = await startPit({ pool: { app: appFile('faults.py'), restartDelayMs: 1 } });
    const lost = errorOf(test.pit.execute('write', { fault: 'garbage' }));
    const waiting = Array.from({ length: 5 }, () => test.pit.call('hello'));
    expect(await lost).toMatchObject(protocolError);
    for (const { attempts } of await Promise.all(waiting)) expect(attempts).toBe(1);
  });

  it('strangers at the socket disturb nobody', async () => {
    const { pit, events } = await startPit({ pool: { app: appFile('faults.py') } });
    expect(await pit.execute('strangers')).toBe('tried');
    expect(await pit.execute('hello')).toBeGreaterThan(0);
    expect(events.named('snakepit.worker.crashed')).toEqual([]);
  });
});
