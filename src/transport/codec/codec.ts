export type CodecName = 'msgpack' | 'json';

/** Turns one message into bytes and back. */
export interface Codec {
  readonly name: CodecName;
  /**
   * Encodes `message`. The bytes are only valid until the next call: copy them.
   *
   * @param tagged - whether a value in it needs JSON tags, as `prepare` found
   */
  encode(message: unknown, tagged: boolean): Uint8Array;
  /** @throws on anything that is not one whole value */
  decode(bytes: Uint8Array): unknown;
}
