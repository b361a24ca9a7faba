import { describe, expect, it, onTestFinished } from 'vitest';
import { createFakeSnakepit, recordEvents } from '../../src/testing/index.ts';

const fake = async () => {
  const pit = await createFakeSnakepit({ commands: { echo: ({ x }) => x } });
  onTestFinished(() => pit.close());
  return pit;
};

describe('a recorder', () => {
  it('keeps what matches, by name and by request', async () => {
    const pit = await fake();
    const events = recordEvents(pit, 'snakepit.request.*');
    const { requestId } = await pit.call('echo', { x: 1 });
    await pit.execute('echo', { x: 2 });
    expect(events.all).toHaveLength(6);
    expect(events.named('snakepit.request.completed')).toHaveLength(2);
    expect(events.of(requestId).map((event) => event.event_name)).toEqual([
      'snakepit.request.queued',
      'snakepit.request.started',
      'snakepit.request.completed',
    ]);
  });

  it('waits for what is there already and for what comes', async () => {
    const pit = await fake();
    const events = recordEvents(pit);
    const second = events.waitFor(
      'snakepit.request.completed',
      ({ metadata }) => metadata.command === 'none',
    );
    await pit.execute('echo', { x: 1 });
    expect((await events.waitFor('snakepit.request.completed')).metadata.command).toBe('echo');
    await pit.execute('none').catch(() => {});
    expect((await second).metadata).toMatchObject({ code: 'unknown_command' });
  });

  it('says what came instead', async () => {
    const pit = await fake();
    const events = recordEvents(pit, 'snakepit.request.**');
    const nothing = events.waitFor('snakepit.request.failed', undefined, { timeoutMs: 20 });
    await expect(nothing).rejects.toThrow(
      "The event 'snakepit.request.failed' did not come; no event came at all.",
    );
    await pit.execute('echo', { x: 1 });
    const other = events.waitFor('snakepit.request.failed');
    events.stop();
    await expect(other).rejects.toThrow('there were snakepit.request.queued, snakepit.request.started');
    await pit.execute('echo', { x: 1 });
    expect(events.all).toHaveLength(3);
  });

  it('hands a test that throws back to whoever waits', async () => {
    const pit = await fake();
    const events = recordEvents(pit);
    const broken = events.waitFor('snakepit.request.queued', () => {
      throw new Error('a wrong test');
    });
    const outcome = expect(broken).rejects.toThrow('a wrong test');
    expect(await pit.execute('echo', { x: 1 })).toBe(1);
    await outcome;
  });
});
