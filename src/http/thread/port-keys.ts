import type { Listening } from './messages.ts';

/** The option that a port is. */
export const PORT_KEYS: Readonly<Record<Listening, 'port' | 'livenessPort' | 'grpcPort'>> = {
  ops: 'port',
  probes: 'livenessPort',
  grpc: 'grpcPort',
};
