import { isSnakepitError } from '../../errors/index.ts';
import { isAnswer, type ProblemAnswer, problemOf } from '../problem.ts';
import type { GatewayContext, GatewayParts } from './parts.ts';

const asItIs = { text: (text: string) => text };

/** The problem for an error, with the ids of the request and, for those who may see it, Python's traceback. Bugs are reported. */
export const gatewayProblem = (
  error: unknown,
  c: GatewayContext,
  { reportBug, sanitizer = asItIs }: GatewayParts,
): ProblemAnswer => {
  if (!isAnswer(error)) reportBug?.(error, { method: c.req.method, path: c.req.path });
  const { problem, headers } = problemOf(error);
  const known = isSnakepitError(error) ? error : undefined;
  const requestId = known?.requestId;
  const correlationId = known?.correlationId ?? c.get('correlationId');
  const traceback = c.get('detailed') ? known?.context.python_traceback : undefined;
  return {
    headers: {
      ...headers,
      'x-correlation-id': correlationId,
      ...(requestId !== undefined && { 'x-request-id': requestId }),
    },
    problem: {
      ...problem,
      detail: sanitizer.text(problem.detail),
      // Null where no request was made.
      request_id: requestId ?? null,
      correlation_id: correlationId,
      ...(traceback !== undefined && { python_traceback: sanitizer.text(traceback) }),
    },
  };
};
