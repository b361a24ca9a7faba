import { describe, expect, it } from 'vitest';
import { errorOf, python, sharedPit, startPit, until } from '../../support/pit.ts';

const counter = python`
  @command
  def add(n: int = 1):
      session = context().session
      session.data = {"sum": (session.data or {"sum": 0})["sum"] + n}
      return session.data["sum"]

  @command
  def in_place(word: str):
      session = context().session
      if session.data is None:
          session.data = []
      session.data.append(word)
      return len(session.data)

  @command
  async def later(n: int):
      await asyncio.sleep(0)
      session = context().session
      session.data = {"sum": n}
      return n

  @command
  def letters(text: str):
      session = context().session
      for letter in text:
          yield letter
      session.data = text

  @command
  def look():
      session = context().session
      return None if session is None else {"id": session.id, "data": session.data}

  @command
  def untouched():
      return context().session.id

  @command
  def fail():
      context().session.data = "lost"
      raise ValueError("no")

  @command
  def unsendable():
      context().session.data = {"a": {1, 2}}

  @command
  def large(size: int):
      context().session.data = "x" * size

  @command
  def held(gate: str):
      session = context().session
      before = session.data
      note("held")
      wait_for(gate)
      session.data = [before]
      return before
`;

for (const concurrency of [1, 3]) {
  describe(`sessions at concurrency ${concurrency}`, () => {
    const test = sharedPit({ pool: { app: counter, workers: 2, concurrency } });
    const call = (command: string, args: Record<string, unknown>, sessionId: string, create?: boolean) =>
      test.pit.execute(command, args, { sessionId, create });

    it('keeps what a handler changes, from request to request', async () => {
      expect(await call('add', { n: 3 }, 'a')).toBe(3);
      expect(await call('add', { n: 4 }, 'a')).toBe(7);
      expect(await call('add', {}, 'b')).toBe(1);
      expect(await test.pit.sessions.get('a')).toEqual({ id: 'a', data: { sum: 7 }, version: 2 });
    });

    it('sees data that is changed in place', async () => {
      await call('in_place', { word: 'x' }, 'place');
      expect(await call('in_place', { word: 'y' }, 'place')).toBe(2);
      expect((await test.pit.sessions.get('place'))?.data).toEqual(['x', 'y']);
    });

    it('keeps what coroutines and streams change', async () => {
      await call('later', { n: 9 }, 'kinds');
      expect((await test.pit.sessions.get('kinds'))?.data).toEqual({ sum: 9 });
      const chunks = [];
      for await (const chunk of test.pit.stream('letters', { text: 'ab' }, { sessionId: 'kinds' }))
        chunks.push(chunk);
      expect(chunks).toEqual(['a', 'b']);
      expect((await test.pit.sessions.get('kinds'))?.data).toBe('ab');
    });

    it('shows id and data in Python, and None where there is no session', async () => {
      await call('add', { n: 5 }, 'shown');
      expect(await call('look', {}, 'shown')).toEqual({ id: 'shown', data: { sum: 5 } });
      expect(await test.pit.execute('look')).toBeNull();
    });

    it('writes nothing where nothing was changed', async () => {
      await call('look', {}, 'same');
      await call('untouched', {}, 'same');
      expect(await test.pit.sessions.get('same')).toMatchObject({ version: 0, data: null });
    });

    it('keeps nothing of a request that fails', async () => {
      await call('add', { n: 1 }, 'fails');
      expect(await errorOf(call('fail', {}, 'fails'))).toMatchObject({ code: 'python_exception' });
      expect((await test.pit.sessions.get('fails'))?.data).toEqual({ sum: 1 });
    });

    it('refuses data that cannot be kept, and says where in it', async () => {
      const error = await errorOf(call('unsendable', {}, 'bad'));
      expect(error).toMatchObject({ code: 'unserializable' });
      expect(error.message).toContain('the data of the session cannot be sent');
      expect(error.context.path).toBe('$.a');
      expect(await errorOf(call('large', { size: 2 ** 21 }, 'bad'))).toMatchObject({
        code: 'payload_too_large',
        message: expect.stringContaining('sessions.maxDataBytes'),
      });
      expect((await test.pit.sessions.get('bad'))?.data).toBeNull();
    });

    it('lets one of two requests win that ran with the same data', async () => {
      test.shut('race');
      const two = [call('held', { gate: 'race' }, 'race'), call('held', { gate: 'race' }, 'race')];
      await test.noted('held', 2 * 1);
      test.open('race');
      const outcomes = await Promise.allSettled(two);
      const codes = outcomes.map((o) => (o.status === 'fulfilled' ? 'kept' : o.reason.code));
      expect(codes.sort()).toEqual(['kept', 'session_conflict']);
      expect(await test.pit.sessions.get('race')).toMatchObject({ version: 1, data: [null] });
    });

    it('makes no session where it is not to, and names what may have become of it', async () => {
      const error = await errorOf(call('look', {}, 'nobody', false));
      expect(error).toMatchObject({ code: 'session_not_found', httpStatus: 404 });
      expect(error.message).toContain("'nobody'");
      expect(await test.pit.sessions.get('nobody')).toBeUndefined();
    });

    it('refuses ids that cannot be one, and puts none of them into an event', async () => {
      for (const id of ['', 'a b', 'a\u0000b', 'ä', 'x'.repeat(2 ** 20), '../../etc', 'a\r\nb']) {
        const error = await errorOf(call('look', {}, id));
        expect(error.code, JSON.stringify(id.slice(0, 20))).toBe('invalid_arguments');
        expect(error.message.length).toBeLessThan(300);
        const [completed] = test.events.of(error.requestId).filter((e) => e.event_name.endsWith('completed'));
        expect(completed?.metadata.session_id).toBeUndefined();
      }
    });

    it('deletes a session, which then begins anew', async () => {
      await call('add', { n: 5 }, 'gone');
      expect(await test.pit.sessions.delete('gone')).toBe(true);
      expect(await test.pit.sessions.delete('gone')).toBe(false);
      expect(await call('add', { n: 1 }, 'gone')).toBe(1);
    });

    it('tells of sessions in events, and which request belongs to which', async () => {
      const { requestId } = await test.pit.call('add', {}, { sessionId: 'told' });
      const created = test.events.named('snakepit.session.created').at(-1);
      expect(created).toMatchObject({
        measurements: { ttl_ms: 3_600_000 },
        metadata: { session_id: 'told', request_id: requestId, pool_name: 'default' },
      });
      const assigned = test.events.named('snakepit.session.affinity_assigned').at(-1);
      expect(assigned).toMatchObject({ metadata: { session_id: 'told', restored: false } });
      const completed = test.events.of(requestId).find((e) => e.event_name === 'snakepit.request.completed');
      expect(completed?.metadata.session_id).toBe('told');
    });
  });
}

describe('sessions that end', () => {
  it('expire without use, with an event', async () => {
    const test = await startPit({ pool: { app: counter }, sessions: { ttlMs: 100 } });
    await test.pit.execute('add', {}, { sessionId: 'short' });
    await test.events.first('snakepit.session.expired', ({ metadata }) => metadata.session_id === 'short');
    await test.events.first('snakepit.session.cleanup');
    expect(await errorOf(test.pit.execute('add', {}, { sessionId: 'short', create: false }))).toMatchObject({
      code: 'session_not_found',
    });
  });

  it('give way to new ones, or keep them out', async () => {
    const test = await startPit({ pool: { app: counter }, sessions: { maxSessions: 2, evict: 'none' } });
    for (const id of ['a', 'b']) await test.pit.execute('add', {}, { sessionId: id });
    const error = await errorOf(test.pit.execute('add', {}, { sessionId: 'c' }));
    expect(error).toMatchObject({ code: 'session_store_unavailable', retryable: true });
    expect(error.message).toContain('sessions.maxSessions');
    await test.pit.observability.configure({ sessions: { evict: 'oldest' } });
    await test.pit.execute('add', {}, { sessionId: 'c' });
    const [deleted] = test.events.named('snakepit.session.deleted');
    expect(deleted?.metadata).toMatchObject({ session_id: 'a', reason: 'evicted' });
  });

  it('leave nothing behind, however many there were', async () => {
    const test = await startPit({ pool: { app: counter, workers: 2 }, sessions: { maxSessions: 50 } });
    for (let i = 0; i < 400; i++) await test.pit.execute('add', {}, { sessionId: `s${i}` });
    const { sessions } = test.pit.snapshot();
    expect(sessions).toMatchObject({ store: 'memory', active: 50, capacity: 50, available: true });
    await until(() => (test.pit.snapshot().sessions?.with_worker ?? 99) <= 50, 'workers are forgotten too');
  });
});
