import type * as Grpc from '@grpc/grpc-js';
import { type HealthDesk, SERVICE_UNKNOWN } from './desk.ts';
import { type HealthRequest, readRequest, writeList, writeStatus } from './wire.ts';

/** So many may watch at a time; each holds a stream open. */
const MAX_WATCHERS = 1000;

const method = <Answer>(name: string, responseStream: boolean, write: (answer: Answer) => Buffer) => ({
  path: `/grpc.health.v1.Health/${name}`,
  requestStream: false,
  responseStream,
  // Of clients only, but the type wants them.
  requestSerialize: ({ service }: HealthRequest) => Buffer.from(service),
  responseDeserialize: (bytes: Buffer) => bytes,
  requestDeserialize: readRequest,
  responseSerialize: write,
});

/** The methods of `grpc.health.v1.Health`. */
export const definition = {
  check: method('Check', false, writeStatus),
  watch: method('Watch', true, writeStatus),
  list: method('List', false, writeList),
};

/** What the methods are made from. */
export interface HealthServiceInit {
  readonly grpc: typeof Grpc;
  readonly desk: HealthDesk;
  /** Resolves when the desk knows of everything that has happened by now. */
  readonly current: () => Promise<void>;
}

/** The methods, and an end to all that is watched. */
export const createService = ({ grpc: { status }, desk, current }: HealthServiceInit) => {
  const streams = new Set<Grpc.ServerWritableStream<HealthRequest, number>>();
  const check: Grpc.handleUnaryCall<HealthRequest, number> = async ({ request }, answer) => {
    await current();
    const found = desk.read(request.service);
    if (found !== SERVICE_UNKNOWN) answer(null, found);
    else answer({ code: status.NOT_FOUND, details: `unknown service '${request.service.slice(0, 200)}'` });
  };
  const list: Grpc.handleUnaryCall<HealthRequest, ReturnType<HealthDesk['all']>> = async (_, answer) => {
    await current();
    answer(null, desk.all());
  };
  const watch: Grpc.handleServerStreamingCall<HealthRequest, number> = (stream) => {
    if (desk.watchers >= MAX_WATCHERS) {
      stream.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `${MAX_WATCHERS} watch already` });
      return;
    }
    const stop = desk.watch(stream.request.service, (found) => stream.write(found));
    streams.add(stream);
    const leave = () => {
      stop();
      streams.delete(stream);
    };
    stream.on('cancelled', leave);
    stream.on('close', leave);
    stream.on('error', leave);
  };
  /** Whoever watches is told that nothing is served here any more, and to look elsewhere. */
  const end = (): void => {
    desk.end();
    for (const stream of streams) {
      stream.emit('error', { code: status.UNAVAILABLE, details: 'the server is closing' });
    }
  };
  return { methods: { check, watch, list }, end };
};
