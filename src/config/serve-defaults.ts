/**
 * What `snakepit serve` fills in where nobody said anything. A library is a guest and opens no port by itself; a server is
 * there to be reached.
 */
export const serveDefaults = [
  { path: ['gateway', 'port'], value: 8000 },
  { path: ['ops', 'port'], value: 9464 },
  { path: ['logs', 'level'], value: 'info' },
] as const;
