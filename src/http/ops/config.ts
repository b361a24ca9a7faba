import type { Context } from 'hono';
import { RestartOnlyError, VersionConflictError } from '../../config/index.ts';
import { isSnakepitError } from '../../errors/index.ts';
import type { ConfigChanged, ConfigControl } from '../ports.ts';
import { Refusal } from '../problem.ts';
import { sendJson } from '../respond.ts';
import { ACCEPT_PATCH, readMergePatch } from './body.ts';
import type { Change, Read } from './endpoint.ts';
import { badParameter, parametersOf } from './query.ts';

const etagOf = ({ instance, version }: ConfigControl): string => `"${instance}-${version}"`;
const headersOf = (config: ConfigControl) => ({ etag: etagOf(config), 'accept-patch': ACCEPT_PATCH });

/** `GET /api/config`: the configuration in force. */
export const configRead = (config: ConfigControl): Read => ({
  path: '/api/config',
  link: 'config',
  answer: (c) => {
    parametersOf(c, []);
    return sendJson(c, 200, config.view(), headersOf(config));
  },
});

/** `PATCH /api/config`: changes of it. */
export const configChange = (config: ConfigControl): Change => ({
  method: 'PATCH',
  path: '/api/config',
  answer: async (c) => {
    const dryRun = isDryRun(c);
    const patch = await readMergePatch(c.req.raw);
    // After the body, and in the same turn as the change: nobody changes anything in between.
    requireMatch(config, c.req.header('if-match'));
    const outcome = change(config, () => config.apply(patch, changerOf(c), { dryRun }));
    return sendJson(c, 200, { ...outcome, ...(dryRun && { dry_run: true }) }, headersOf(config));
  },
});

/** `snakepit config` says who it is; whoever else has the token is a request like any other. */
const changerOf = (c: Context): 'http' | 'cli' =>
  /^snakepit-cli\b/.test(c.req.header('user-agent') ?? '') ? 'cli' : 'http';

const isDryRun = (c: Context): boolean => {
  const dryRun = parametersOf(c, ['dry_run']).get('dry_run') ?? '0';
  if (dryRun !== '0' && dryRun !== '1') throw badParameter('dry_run', dryRun, '0 or 1');
  return dryRun === '1';
};

/**
 * `If-Match` names the ETag of the configuration that is to be changed. Its version alone in quotes does too, for those who kept only
 * that from an answer.
 */
const requireMatch = (config: ConfigControl, header: string | undefined): void => {
  if (header === undefined || header.trim() === '*') return;
  const named = header.split(',').map((tag) => tag.trim());
  if (named.includes(etagOf(config)) || named.includes(`"${config.version}"`)) return;
  throw conflict(config, new VersionConflictError(config.version).message);
};

const conflict = (config: ConfigControl, message: string): Refusal =>
  new Refusal('version_conflict', message, {
    headers: { etag: etagOf(config) },
    members: { applied: [], version: config.version },
  });

const change = (config: ConfigControl, apply: () => ConfigChanged): ConfigChanged => {
  try {
    return apply();
  } catch (error) {
    if (!isSnakepitError(error)) throw error;
    if (error instanceof RestartOnlyError) {
      throw new Refusal('restart_required', error.message, {
        members: { applied: [], restart_required: error.keys, version: config.version },
      });
    }
    if (error.code !== 'invalid_configuration') throw error;
    throw new Refusal('invalid_configuration', error.message, {
      members: { category: 'configuration', applied: [], version: config.version },
    });
  }
};
