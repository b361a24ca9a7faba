import { Option } from 'commander';
import { wholeNumber } from './options.ts';

/** The flags of `serve`, as {@link Flags} names them. */
export const serveFlags = (): Option[] => [
  new Option('--pool <name>', 'pool that the app and the flags of a pool are for (default: default)'),
  new Option('--workers <n>', 'worker processes (default: the CPUs, at most 4)').argParser(wholeNumber),
  new Option('--concurrency <n>', 'requests a worker runs at a time (default: 1)').argParser(wholeNumber),
  new Option(
    '--config <file>',
    'configuration (default: SNAKEPIT_CONFIG, else the nearest snakepit.config.*)',
  ),
  new Option('--host <address>', 'address of the gateway (default: 127.0.0.1)'),
  new Option('--port <n>', 'port of the gateway; 0: a free one (default: 8000)').argParser(wholeNumber),
  new Option('--ops-host <address>', 'address of metrics and health (default: 127.0.0.1)'),
  new Option('--ops-port <n>', 'port of metrics and health; 0: a free one (default: 9464)').argParser(
    wholeNumber,
  ),
  new Option('--transport <kind>', 'how host and worker talk (default: socket)').choices(['socket', 'grpc']),
  new Option('--python <path>', 'Python interpreter (default: the environment around the app)'),
  new Option('--log-level <level>', 'least level written (default: info)'),
  new Option('--log-format <format>', 'json or pretty (default: json)'),
  new Option('--log-dest <where>', 'stderr, stdout or a file (default: stderr)'),
];
