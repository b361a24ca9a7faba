import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PayloadTooLarge } from '../../src/transport/contract.ts';
import { FrameReader, FrameWriter, ProtocolFault } from '../../src/transport/socket/frames.ts';

const LIMIT = 200_000;

/** What a writer produces for some bodies. */
const written = (bodies: Uint8Array[]): Buffer => {
  const parts: Buffer[] = [];
  const writer = new FrameWriter(LIMIT, (bytes) => parts.push(Buffer.from(bytes)));
  for (const body of bodies) writer.add(body);
  writer.flush();
  return Buffer.concat(parts);
};

/** Bodies a reader finds in a stream that arrives in pieces of the given sizes. */
const read = (stream: Buffer, sizes: number[]): Uint8Array[] => {
  const reader = new FrameReader(LIMIT);
  const bodies: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; at < stream.length; i++) {
    const size = sizes[i % sizes.length] as number;
    // The reader may only look at the piece while it is called.
    const piece = new Uint8Array(stream.subarray(at, at + size));
    reader.push(piece, (body) => bodies.push(new Uint8Array(body)));
    piece.fill(0xee);
    at += size;
  }
  expect(reader.atBoundary).toBe(true);
  return bodies;
};

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    const body = fc.uint8Array({ minLength: 1, maxLength: 300 });
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(body, { maxLength: 20 }), sizes, (bodies, cut) => {
        expect(read(written(bodies), cut)).toEqual(bodies.map((one) => new Uint8Array(one)));
      }),
    );
  });

  it('larger than the batch buffer pass whole', () => {
    const big = new Uint8Array(150_000).map((_, i) => i % 251);
    const small = new Uint8Array([1, 2, 3]);
    expect(read(written([small, big, small]), [65_536])).toEqual([small, big, small]);
  });

  it.each([
    ['0 bytes', [0, 0, 0, 0]],
    ['more than the limit', [0, 3, 13, 65]],
    ['4 GiB', [255, 255, 255, 255]],
  ])('that announce %s are refused, whole header or split', (_, header) => {
    for (const cut of [4, 1]) {
      const reader = new FrameReader(LIMIT);
      const push = () => {
        for (let at = 0; at < header.length; at += cut) {
          reader.push(Uint8Array.from(header.slice(at, at + cut)), () => expect.unreachable());
        }
      };
      expect(push).toThrow(ProtocolFault);
    }
  });

  it('above the limit are not sent, and what was added before is', () => {
    const parts: Buffer[] = [];
    const writer = new FrameWriter(10, (bytes) => parts.push(Buffer.from(bytes)));
    writer.add(new Uint8Array([7]));
    expect(() => writer.add(new Uint8Array(11))).toThrow(PayloadTooLarge);
    writer.flush();
    expect(Buffer.concat(parts)).toEqual(Buffer.from([0, 0, 0, 1, 7]));
  });

  it('of one turn leave in one write', async () => {
    let writes = 0;
    const writer = new FrameWriter(LIMIT, () => writes++);
    writer.add(new Uint8Array([1]));
    await Promise.resolve();
    writer.add(new Uint8Array([2]));
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes).toBe(1);
  });

  it('cut short are known by the reader not being at a boundary', () => {
    const stream = written([new Uint8Array([1, 2, 3])]);
    for (let length = 1; length < stream.length; length++) {
      const reader = new FrameReader(LIMIT);
      reader.push(new Uint8Array(stream.subarray(0, length)), () => {});
      expect(reader.atBoundary).toBe(false);
    }
  });
});
