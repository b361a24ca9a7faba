import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codecs } from '../../src/transport/codec/index.ts';
import type { LinkHandler } from '../../src/transport/contract.ts';
import { FrameReader } from '../../src/transport/socket/frames.ts';
import { deliver, type Role } from '../../src/transport/socket/messages.ts';

interface Golden {
  readonly name: string;
  readonly codec: 'msgpack' | 'json';
  readonly direction: string;
  /** The whole frame, length included. */
  readonly hex: string;
  /** What it means, values that JSON lacks as tags. */
  readonly body: unknown;
}

const golden = JSON.parse(
  readFileSync(new URL('../../proto/golden/frames.json', import.meta.url), 'utf8'),
) as Golden[];

const bodyOf = (hex: string): Uint8Array => {
  let body: Uint8Array | undefined;
  const reader = new FrameReader(2 ** 20);
  reader.push(Uint8Array.from(Buffer.from(hex, 'hex')), (one) => {
    body = new Uint8Array(one);
  });
  expect(reader.atBoundary).toBe(true);
  return body ?? expect.unreachable();
};

const meaning = (body: unknown): unknown => codecs.json.decode(Buffer.from(JSON.stringify(body)));

/** Takes everything; notes what was called. */
const recorder = () => {
  const calls: string[] = [];
  const handler = new Proxy({} as LinkHandler, {
    get: (_, name: string) => () => {
      calls.push(name);
      return true;
    },
  });
  return { calls, handler };
};

const callbacks: Record<number, [Role, string]> = {
  2: ['work', 'response'],
  3: ['work', 'error'],
  4: ['work', 'chunk'],
  8: ['control', 'recalled'],
  10: ['control', 'pong'],
  11: ['control', 'stats'],
  12: ['work', 'event'],
  13: ['work', 'log'],
  15: ['control', 'stack'],
  18: ['control', 'phase'],
  19: ['control', 'ready'],
  20: ['control', 'startFailed'],
};

describe.each(golden)('golden frame $name ($codec)', ({ codec, hex, body }) => {
  it('reads as what it means', () => {
    expect(codecs[codec].decode(bodyOf(hex))).toEqual(meaning(body));
  });

  it('is written so that it reads the same', () => {
    const again = codecs[codec].encode(meaning(body) as unknown[], true);
    expect(codecs[codec].decode(Uint8Array.from(again))).toEqual(meaning(body));
  });
});

const typeOf = ({ body }: Golden): number => (body as number[])[0] ?? 0;

describe('what a worker sends', () => {
  it.each(golden.filter((frame) => typeOf(frame) in callbacks))(
    '$name ($codec) reaches the handler',
    (frame) => {
      const [role, name] = callbacks[typeOf(frame)] as [Role, string];
      const { calls, handler } = recorder();
      deliver(role, codecs[frame.codec].decode(bodyOf(frame.hex)), 1, handler);
      expect(calls).toEqual([name]);
    },
  );
});

describe('the golden frames', () => {
  it('cover every type in both codecs, and the greetings in JSON', () => {
    const seen = new Set(golden.map((frame) => `${frame.codec} ${typeOf(frame)}`));
    for (const codec of ['msgpack', 'json']) {
      for (let type = 1; type <= 15; type++) expect(seen).toContain(`${codec} ${type}`);
      for (let type = 18; type <= 21; type++) expect(seen).toContain(`${codec} ${type}`);
    }
    for (const type of [16, 17, 22]) expect(seen).toContain(`json ${type}`);
  });
});
