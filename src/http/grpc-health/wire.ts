/**
 * The messages of `grpc.health.v1` as bytes. They have one field each, which is why no protobuf library is loaded for them.
 *
 * A field begins with a varint: its number times eight, plus its kind (0 varint, 1 eight bytes, 2 a length and so many bytes, 5 four bytes).
 */

const SERVICE = (1 << 3) | 2;
const STATUS = 1 << 3;
const STATUSES = (1 << 3) | 2;
const KEY = (1 << 3) | 2;
const VALUE = (2 << 3) | 2;

/** Far above any name of ours. Longer ones are unknown whatever they say, and need not be kept. */
export const MAX_REQUEST_BYTES = 4096;

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = this.take(1)[0] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a varint is longer than ten bytes');
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('a field ends after its message');
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  /** A field of a later version of the protocol. */
  skip(tag: number): void {
    const kind = tag % 8;
    if (kind === 0) this.varint();
    else if (kind === 1) this.take(8);
    else if (kind === 2) this.take(this.varint());
    else if (kind === 5) this.take(4);
    else throw new RangeError(`a field is of the unknown kind ${kind}`);
  }
}

/** `HealthCheckRequest`. An object, also where its bytes are none: gRPC takes a falsy message for a missing one. */
export interface HealthRequest {
  readonly service: string;
}

/**
 * Reads a {@link HealthRequest}.
 *
 * @throws RangeError when these are no such bytes
 */
export const readRequest = (bytes: Buffer): HealthRequest => {
  const reader = new Reader(bytes);
  let service = '';
  while (!reader.done) {
    const tag = reader.varint();
    // The last one counts, as everywhere in protobuf.
    if (tag === SERVICE) service = reader.take(reader.varint()).toString('utf8');
    else reader.skip(tag);
  }
  return { service };
};

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];

const field = (tag: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);

/** A `HealthCheckResponse`. */
export const writeStatus = (status: number): Buffer => Buffer.from([STATUS, status]);

/** A `HealthListResponse`: every service with its status. */
export const writeList = (services: readonly (readonly [string, number])[]): Buffer =>
  Buffer.concat(
    services.map(([name, status]) =>
      field(STATUSES, Buffer.concat([field(KEY, Buffer.from(name)), field(VALUE, writeStatus(status))])),
    ),
  );
