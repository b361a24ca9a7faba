import { Hono } from 'hono';
import { listenerAccess } from '../access.ts';
import { nothingAt, wrongMethod } from '../problem.ts';
import { sendJson, sendProblem } from '../respond.ts';
import { errorsOnly } from '../thrown.ts';
import { call, stream, wantsEvents } from './calls.ts';
import { listCommands } from './commands.ts';
import { guard } from './guard.ts';
import type { GatewayEnv, GatewayParts } from './parts.ts';
import { gatewayProblem } from './problems.ts';

const COMMAND = '/v1/commands/:command';
const COMMANDS = '/v1/commands';

/**
 * The gateway as an app: commands over HTTP.
 *
 * @throws SnakepitError `invalid_configuration` when `options.host` is reachable from elsewhere without `token` or `insecure`
 */
export const createGatewayApp = (parts: GatewayParts): Hono<GatewayEnv> => {
  const app = new Hono<GatewayEnv>();
  app.use(errorsOnly, guard(parts.options, listenerAccess('gateway', parts.options)));
  app.post(COMMAND, (c) => (wantsEvents(c) ? stream(c, parts) : call(c, parts)));
  app.all(COMMAND, (c) => {
    throw wrongMethod(c.req.path, c.req.method, 'POST');
  });
  app.get(COMMANDS, (c) => sendJson(c, 200, listCommands(parts.port.snapshot())));
  app.all(COMMANDS, (c) => {
    throw wrongMethod(c.req.path, c.req.method, 'GET, HEAD');
  });
  app.notFound((c) => {
    throw nothingAt(c.req.path, [`GET ${COMMANDS}`, `POST ${COMMANDS}/{command}`]);
  });
  app.onError((error, c) => sendProblem(c, gatewayProblem(error, c, parts)));
  return app;
};
