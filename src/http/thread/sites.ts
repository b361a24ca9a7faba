import { hostname } from 'node:os';
import type { ResolvedOptions } from '../../config/index.ts';
import { listenerAccess, mountedAccess } from '../access.ts';
import { problemResponse } from '../node-handler.ts';
import { createOpsApp, type OpsParts } from '../ops/app.ts';
import { healthReads } from '../ops/health.ts';
import { nothingAt } from '../problem.ts';
import { cookieName, ReaderSessions, randomCookieName } from '../reader-sessions.ts';
import type { Handlers } from './backend.ts';
import type { Bind } from './messages.ts';

type OpsOptions = ResolvedOptions['ops'];

/** The paths that orchestrators and balancers ask, with the prefix; none where health is off. */
export const probePaths = ({ health }: Pick<OpsParts, 'health'>, prefix: string): readonly string[] =>
  health === null ? [] : healthReads(health).flatMap(({ path, probe }) => (probe ? [prefix + path] : []));

/** What listens where, as the options say. */
export const bindsOf = ({ host, port, livenessPort, grpcPort }: OpsOptions): readonly Bind[] => [
  ...(port === undefined ? [] : [{ site: 'ops' as const, host, port }]),
  ...(livenessPort === undefined ? [] : [{ site: 'probes' as const, host, port: livenessPort }]),
  ...(grpcPort === undefined ? [] : [{ site: 'grpc' as const, host, port: grpcPort }]),
];

/** Probes and nothing else, without details for anybody: so it needs no token, wherever it is bound. */
const probesOnly = (parts: OpsParts, paths: readonly string[]) => {
  const app = createOpsApp({
    ...parts,
    metrics: null,
    errors: null,
    live: null,
    control: null,
    config: null,
    page: null,
  });
  return async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    return paths.includes(pathname) ? app.fetch(request) : problemResponse(nothingAt(pathname, paths));
  };
};

const sessionsOf = ({ port, prefix }: OpsOptions): ReaderSessions =>
  new ReaderSessions({
    name: port ? cookieName([hostname(), String(port), prefix]) : randomCookieName(),
    path: prefix || '/',
  });

/**
 * What answers at each port.
 *
 * @throws SnakepitError `invalid_configuration` when others could reach the ops server without a token
 */
export const handlersOf = (parts: Omit<OpsParts, 'options' | 'access'>, options: OpsOptions): Handlers => ({
  ...(options.port !== undefined && {
    ops: createOpsApp({ ...parts, options, access: listenerAccess('ops', options, sessionsOf(options)) }),
  }),
  ...(options.livenessPort !== undefined && {
    probes: probesOnly(
      { ...parts, options: { prefix: options.prefix, open: [] }, access: mountedAccess({}) },
      probePaths(parts, options.prefix),
    ),
  }),
});
