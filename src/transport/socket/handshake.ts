import { timingSafeEqual } from 'node:crypto';
import { type CodecName, codecs } from '../codec/index.ts';
import { PROTOCOL } from '../welcome.ts';
import { ProtocolFault } from './frames.ts';
import { type Role, Type } from './messages.ts';

/** Greetings are small; whoever sends more is no worker of ours. */
export const MAX_GREETING = 64 * 1024;

/** What a worker says of itself when it connects. */
export interface Hello {
  readonly role: Role;
  readonly pid: number;
  readonly pythonVersion: string;
  readonly codec: CodecName;
}

/** A greeting that is refused; `message` is sent to the worker. */
export class Refusal extends ProtocolFault {}

const sameToken = (got: unknown, want: string): boolean => {
  const a = Buffer.from(typeof got === 'string' ? got : '');
  const b = Buffer.from(want);
  return a.length === b.length && timingSafeEqual(a, b);
};

/**
 * Reads and checks a HELLO.
 *
 * @param allowed - the codecs the pool allows, best first
 * @throws Refusal on a wrong token, another protocol version, or no common codec
 */
export const readHello = (body: Uint8Array, token: string, allowed: readonly CodecName[]): Hello => {
  const message = codecs.json.decode(body);
  const [type, hello] = (Array.isArray(message) ? message : []) as [
    unknown,
    Record<string, unknown> | undefined,
  ];
  if (type !== Type.hello || typeof hello !== 'object' || hello === null)
    throw new Refusal('did not introduce itself with HELLO');
  if (!sameToken(hello.token, token)) throw new Refusal('did not know the token of this worker');
  if (hello.protocol !== PROTOCOL) {
    throw new Refusal(
      `speaks protocol ${String(hello.protocol)}, this host ${PROTOCOL}: use the Python runtime that ships with this package`,
    );
  }
  if (hello.role !== 'work' && hello.role !== 'control')
    throw new Refusal(`asked for the role '${String(hello.role)}'`);
  const offered = Array.isArray(hello.codecs) ? hello.codecs : [];
  const codec = allowed.find((name) => offered.includes(name));
  if (codec === undefined) {
    throw new Refusal(
      `offers the codecs ${JSON.stringify(offered)}, this pool wants ${allowed.join(' or ')}: install msgpack into the workers' environment or set codec to 'auto'`,
    );
  }
  return { role: hello.role, pid: Number(hello.pid), pythonVersion: String(hello.python_version), codec };
};

/** The bytes of a WELCOME. */
export const welcome = (content: Record<string, unknown>): Uint8Array =>
  codecs.json.encode([Type.welcome, content], false);

/** The bytes of a REJECT. */
export const reject = (message: string): Uint8Array =>
  codecs.json.encode([Type.reject, { code: 'protocol_error', message }], false);
