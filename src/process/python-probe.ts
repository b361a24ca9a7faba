import { lstatSync, statSync } from 'node:fs';
import { lastLine, runBounded } from './python-run.ts';
import { wrapperReason } from './python-wrappers.ts';

/** The oldest Python that workers run on. */
export const oldestPython = [3, 9] as const;

/** What running an interpreter showed. */
export type Probe =
  | { readonly kind: 'ok'; readonly version: string; readonly executable: string }
  | { readonly kind: 'old'; readonly version: string }
  | { readonly kind: 'failed'; readonly why: string };

/** How an interpreter is run to be asked. */
export interface ProbeSettings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default 10000 milliseconds: the first start from a cold network disk takes seconds. */
  readonly timeoutMs?: number | undefined;
}

const PROBE_TIMEOUT_MS = 10_000;

// Runs on any Python from 2.6 on, so that a too old one can say so.
const QUESTION =
  'import os, sys; sys.stdout.write("%d.%d.%d\\n%d\\n%s\\n" % (tuple(sys.version_info[:3]) + (os.getpid(), sys.executable)))';

const cache = new Map<string, Promise<Probe>>();

/** Asks an interpreter for its version, once per file as it is now. */
export const probePython = async (path: string, settings: ProbeSettings): Promise<Probe> => {
  const key = identify(path, settings);
  const known = cache.get(key);
  if (known !== undefined) return known;
  const asked = ask(path, settings);
  cache.set(key, asked);
  const answer = await asked;
  // A failure may have had a passing cause.
  if (answer.kind === 'failed') cache.delete(key);
  return answer;
};

/** The file and what it is right now. A version manager's shim looks at the folder and at the environment too. */
const identify = (path: string, { cwd, env }: ProbeSettings): string => {
  const parts: unknown[] = [path, cwd, env.PYENV_VERSION];
  try {
    const { mtimeMs, ino, size } = statSync(path);
    parts.push(mtimeMs, ino, size);
  } catch {
    // It cannot be looked at; running it will say why.
  }
  return JSON.stringify(parts);
};

const ask = async (path: string, settings: ProbeSettings): Promise<Probe> => {
  const bounds = { cwd: settings.cwd, env: settings.env, timeoutMs: settings.timeoutMs ?? PROBE_TIMEOUT_MS };
  const answer = await runBounded(path, ['-I', '-S', '-c', QUESTION], bounds);
  if (answer.error !== undefined) return failed(startFault(answer.error));
  if (answer.timedOut) return failed(`it did not answer within ${bounds.timeoutMs} ms`);
  if (answer.code !== 0) {
    // `-I` came with Python 3.4; whatever is older still knows `-V`.
    const { stdout, stderr } = await runBounded(path, ['-V'], bounds);
    const version = /^Python (\d+\.\d+\.\d+)/m.exec(`${stdout}\n${stderr}`)?.[1];
    if (version !== undefined && isOld(version)) return { kind: 'old', version };
    const end = answer.signal === null ? `exit code ${answer.code}` : `signal ${answer.signal}`;
    return failed(`it ended with ${end}: ${lastLine(answer.stderr) || 'without a word'}`);
  }
  const [version = '', pid = '', executable = ''] = answer.stdout.trimEnd().split('\n').slice(-3);
  if (!/^\d+\.\d+\.\d+$/.test(version))
    return failed(`it is no Python: it printed '${answer.stdout.slice(0, 80).trim()}'`);
  if (isOld(version)) return { kind: 'old', version };
  if (Number(pid) !== answer.pid)
    return failed(`it is a wrapper that starts Python as another process. ${wrapperReason}`);
  return { kind: 'ok', version, executable: executable || path };
};

const failed = (why: string): Probe => ({ kind: 'failed', why });

const isOld = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < oldestPython[0] || (major === oldestPython[0] && minor < oldestPython[1]);
};

const startFaults: Readonly<Record<string, string>> = {
  ENOENT: 'it, or what its first line names, does not exist',
  EACCES: 'this user may not execute it',
  ENOEXEC: 'it is no program for this machine',
};

const startFault = (error: NodeJS.ErrnoException): string =>
  startFaults[error.code ?? ''] ?? `it cannot be started: ${error.message}`;

/** Says what is wrong with a path before it is run, where a look suffices. */
export const pathFault = (path: string): string | undefined => {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return `is a folder; the interpreter of an environment is its bin/python`;
    return stat.isFile() ? undefined : 'is no file';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') return `cannot be read: ${message}`;
    return exists(path)
      ? 'is a link to an interpreter that is gone; make the environment anew'
      : 'does not exist';
  }
};

/** What stands at a path; nothing, too, where this user may not look. */
export const whatIs = (path: string | undefined): 'file' | 'folder' | 'nothing' => {
  try {
    return statSync(path ?? '').isDirectory() ? 'folder' : 'file';
  } catch {
    return 'nothing';
  }
};

/** Whether anything stands there, a link without an end included. */
export const exists = (path: string): boolean => {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
};
