import { raw, text } from './shape.ts';

/** Why a request of the page came to nothing, for people. */
export interface Problem {
  /** 0: there was no answer. */
  readonly status: number;
  readonly title: string;
  readonly detail: string | null;
  readonly code: string | null;
}

export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.title);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

/** What an answer with a status of failure says. */
export const problemOf = (status: number, body: unknown): Problem => ({
  status,
  title: text(raw(body).title) ?? `The server answered with status ${status}.`,
  detail: text(raw(body).detail),
  code: text(raw(body).code),
});

export const unreachable: Problem = {
  status: 0,
  title: 'The server gave no answer.',
  detail: 'Snakepit may have stopped, or the network between is interrupted. It is tried again.',
  code: null,
};

export const notRecorded: Problem = {
  status: 404,
  title: 'This is not in the recorded page.',
  detail: 'It holds what was known when it was made; the newest errors, slow requests and events.',
  code: null,
};

export const asProblem = (thrown: unknown): Problem =>
  thrown instanceof ProblemError ? thrown.problem : unreachable;
