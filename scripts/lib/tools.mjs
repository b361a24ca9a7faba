import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs that only some tests need, and how to get them. */
export const tools = [
  { name: 'promtool', what: 'Prometheus (exposition checks)', install: 'apt-get install prometheus' },
  { name: 'chromium', what: 'a browser (the live page)', install: 'apt-get install chromium' },
  { name: 'redis-server', what: 'Redis (shared sessions)', install: 'apt-get install redis-server' },
  { name: 'openssl', what: 'OpenSSL (certificates of gRPC workers)', install: 'apt-get install openssl' },
];

/** Whether a program is on PATH. */
export const onPath = (name) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
