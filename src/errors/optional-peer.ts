import { SnakepitError } from './snakepit-error.ts';

/** The optional peer dependencies: packages that only some options need, installed by whoever sets those. */
export type OptionalPeer = '@grpc/grpc-js' | '@grpc/proto-loader' | 'ioredis';

/** The refusal of an option whose package is not there. */
export const missingPeer = (peer: OptionalPeer, option: string, cause?: unknown): SnakepitError =>
  new SnakepitError(
    'invalid_configuration',
    `${option}: needs the npm package ${peer}, which is not installed. Install it beside snakepit (npm install ${peer}), or leave the option out.`,
    { cause },
  );

const isMissing = (error: unknown, peer: OptionalPeer): boolean => {
  const { code, message } = error as NodeJS.ErrnoException;
  // A package that is there, but lacks one of its own, is another fault.
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${peer}'`);
};

/**
 * Loads an optional peer dependency, when an option needs it.
 *
 * @param option - the option that needs it, for the message
 * @param load - `() => import(peer)`: written out by the caller, so that bundlers and types see which package it is
 * @throws SnakepitError `invalid_configuration`, as a rejection, when it is not installed or cannot be loaded
 */
export const loadPeer = async <Module>(
  peer: OptionalPeer,
  option: string,
  load: () => Promise<Module>,
): Promise<Module> => {
  try {
    return await load();
  } catch (error) {
    if (isMissing(error, peer)) throw missingPeer(peer, option, error);
    throw new SnakepitError(
      'invalid_configuration',
      `${option}: the npm package ${peer} is installed but cannot be loaded: ${(error as Error).message}. Install it anew: npm install ${peer}`,
      { cause: error },
    );
  }
};
