import type { Site } from './messages.ts';

/** The option that a site's port is. */
export const PORT_KEYS: Readonly<Record<Site, 'port' | 'livenessPort'>> = {
  ops: 'port',
  probes: 'livenessPort',
};
