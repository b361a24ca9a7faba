import type { StoredSession } from './store.ts';

/** The session a request belongs to, as far as the request knows it. */
export class SessionUse {
  readonly id: string;
  /** Whether it is made where it does not exist. */
  readonly create: boolean;
  /** What the store keeps, as read for this start of the request. */
  stored: StoredSession | undefined;
  /** What the worker that had it before has left for the next one. */
  restore: { readonly value: unknown; readonly tagged: boolean } | undefined;

  constructor(id: string, create: boolean) {
    this.id = id;
    this.create = create;
  }
}

const SESSION_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Why a text cannot be the id of a session, or undefined when it can. Control characters and megabytes have no place in keys, headers and logs. */
export const sessionIdFault = (id: unknown): string | undefined => {
  if (typeof id !== 'string') return `A session id is a string, got ${id === null ? 'null' : typeof id}.`;
  if (SESSION_ID.test(id)) return undefined;
  return id.length > 128 || id === ''
    ? `A session id has 1 to 128 characters, got ${id.length}.`
    : `A session id consists of A-Z a-z 0-9 . _ : -, got ${JSON.stringify(id)}.`;
};
