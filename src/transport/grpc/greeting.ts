import type { ServiceError } from '@grpc/grpc-js';
import { type CodecName, codecs } from '../codec/index.ts';
import type { LinkFault, WorkerIdentity } from '../contract.ts';
import type { Wire } from './lane.ts';
import type { HelloReply } from './messages.ts';
import type { GreetingSettings } from './settings.ts';

/** The version of worker.proto this speaks. */
const PROTOCOL = 1;

/** Says Hello once. */
export const sayHello = (
  wire: Wire,
  identity: WorkerIdentity,
  settings: GreetingSettings,
  timeoutMs: number,
): Promise<{ readonly reply: HelloReply } | { readonly error: ServiceError }> => {
  const request = {
    protocols: [PROTOCOL],
    codecs: settings.codecs,
    pool_name: settings.poolName,
    worker_id: identity.workerId,
    worker_slot: identity.slot,
    max_message_bytes: settings.maxFrameBytes,
    stats_interval_ms: settings.statsIntervalMs,
    max_session_bytes: settings.maxSessionBytes,
    log_rate_per_second: settings.logRate.perSecond,
    log_rate_burst: settings.logRate.burst,
  };
  const { path, serialize, deserialize } = wire.methods.hello;
  const deadline = Date.now() + timeoutMs;
  return new Promise((resolve) => {
    wire.client.makeUnaryRequest(
      path,
      serialize,
      deserialize,
      request,
      wire.metadata(),
      { deadline },
      (error, reply) => resolve(error === null ? { reply: reply as HelloReply } : { error }),
    );
  });
};

/** The codec that was agreed on, or why there is none. */
export const agreed = (
  { protocol, codec }: HelloReply,
  allowed: readonly CodecName[],
  address: string,
): { readonly codec: (typeof codecs)[CodecName] } | { readonly fault: LinkFault } => {
  const known = allowed.find((name) => name === codec);
  if (protocol === PROTOCOL && known !== undefined) return { codec: codecs[known] };
  const [got, wanted] =
    protocol !== PROTOCOL
      ? [`protocol ${protocol}`, `protocol ${PROTOCOL}`]
      : [`the codec '${codec}'`, `one of ${allowed.join(', ')}`];
  const message = `The worker at ${address} wants to speak ${got}, this host ${wanted}: use the same release of Snakepit on both sides.`;
  return { fault: { code: 'protocol_error', message } };
};
