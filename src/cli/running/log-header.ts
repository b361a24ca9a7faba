import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { loadConfig } from '../../config/index.ts';
import { isCorrelationId } from '../../events/index.ts';
import { type Finish, secondsOf } from '../client/command.ts';
import { UsageError } from '../exit.ts';
import { plainLine } from '../show/plain.ts';
import type { Terminal } from '../terminal.ts';

interface LogHeaderFlags {
  readonly for: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** As long as a header may be good for. Seconds. */
const MAX_SECONDS = 24 * 60 * 60;

const EXAMPLES = `
Examples:
  snakepit log-header | curl -H @- -H 'content-type: application/json' -d '{"text": "hi"}' http://127.0.0.1:8000/v1/commands/predict
  snakepit log-header order-4711 --for 3600

The gateway logs everything about the requests of that correlation id, whatever level and sampling say; sanitized all the same. The header is
signed with gateway.token, which is taken from where \`serve\` takes it: SNAKEPIT_GATEWAY_TOKEN, SNAKEPIT_GATEWAY_TOKEN_FILE or the configuration
file. It is of no use with another correlation id, and after its time. Nobody is asked: it works away from the instance too.`;

/** `snakepit log-header [correlation-id]` */
export const logHeaderCommand = (terminal: Terminal, finish: Finish): Command =>
  new Command('log-header')
    .description('make the headers that have the gateway log a request fully')
    .argument('[correlation-id]', 'of the requests that are to be logged (default: a new one)')
    .option('--for <seconds>', 'how long the header is good for, at most 24 hours', '600')
    .option('--config <file>', 'configuration (default: SNAKEPIT_CONFIG, else the nearest snakepit.config.*)')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (given: string | undefined, flags: LogHeaderFlags) => {
      const correlationId = checked(given ?? randomUUID());
      const seconds = secondsOf('--for', flags.for, MAX_SECONDS);
      const token = await tokenOf(flags, terminal);
      // Loaded only here: the other commands do without it.
      const { LOG_HEADER, signLogHeader } = await import('../../http/gateway/log-header.ts');
      const expiresAt = Math.floor(Date.now() + seconds * 1000);
      const headers = {
        'x-correlation-id': correlationId,
        [LOG_HEADER]: signLogHeader(token, correlationId, expiresAt),
      };
      terminal.out(flags.json ? asJson(headers, expiresAt) : asLines(headers));
      finish(0);
    });

type HeaderValues = Readonly<Record<string, string>>;

const asJson = (headers: HeaderValues, expiresAt: number): string =>
  `${JSON.stringify({ headers, expires_at: new Date(expiresAt).toISOString() })}\n`;

const asLines = (headers: HeaderValues): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');

const checked = (correlationId: string): string => {
  if (isCorrelationId(correlationId)) return correlationId;
  throw new UsageError(
    `correlation-id: got '${plainLine(correlationId)}'; allowed: letters, digits and . _ : -, at most 128 characters.`,
  );
};

/** As `serve` finds it. The rest of the configuration does not matter here, and is not judged. */
const tokenOf = async ({ config }: LogHeaderFlags, { cwd, env }: Terminal): Promise<string> => {
  const { options, file } = await loadConfig({ file: config, cwd, env });
  const { token } = (options.gateway ?? {}) as { readonly token?: unknown };
  if (typeof token === 'string' && token !== '') return token;
  const where = file === undefined ? 'no configuration file was found' : `${file} does not set it`;
  throw new UsageError(
    `gateway.token: not set, so nothing can be signed (${where}); allowed: the token that the gateway runs with, in SNAKEPIT_GATEWAY_TOKEN, ` +
      'SNAKEPIT_GATEWAY_TOKEN_FILE or the configuration file.',
  );
};
