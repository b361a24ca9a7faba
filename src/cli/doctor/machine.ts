import { availableCpus } from '../../config/index.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** The oldest Node that is supported. */
const OLDEST_NODE = [20, 19] as const;
/** Sockets, pipes and files of one worker, generously. */
const FILES_PER_WORKER = 16;
/** What the host needs besides: its servers' connections above all. */
const FILES_OF_HOST = 512;

/** Node itself. */
export const checkNode = (version = process.versions.node): Finding => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]))
    return ok('node', version);
  return fail(
    'node',
    `${version}; needed: ${OLDEST_NODE.join('.')} or later`,
    'Install a current Node from nodejs.org or with your version manager.',
  );
};

/** The operating system. */
export const checkPlatform = (platform: NodeJS.Platform = process.platform): Finding => {
  const name = `${platform} ${process.arch}`;
  if (platform === 'linux') return ok('platform', name);
  if (platform === 'darwin')
    return ok('platform', `${name}; when the host is killed, workers notice by the end of their input`);
  if (platform === 'win32') {
    return fail(
      'platform',
      `${name}; served are Linux and macOS`,
      'Use Linux inside Windows: `wsl --install`, then Node and Python in it.',
    );
  }
  return warn(
    'platform',
    `${name}; tested are Linux and macOS`,
    'It may work; run the tests of your app on it.',
  );
};

/** CPUs, and what the workers make of them. */
export const checkCpus = (workers: number): Finding => {
  const cpus = availableCpus();
  const detail = `${cpus} for ${workers} worker${workers === 1 ? '' : 's'}, ${Math.max(1, Math.floor(cpus / workers))} thread(s) each for numeric libraries`;
  if (workers <= cpus) return ok('cpus', detail);
  return warn(
    'cpus',
    detail,
    'More workers than CPUs pay only where handlers wait (files, network, GPU); else set `workers` lower.',
  );
};

/** How many files this process may have open. */
export const checkOpenFiles = (workers: number, limit = softFileLimit()): Finding => {
  if (limit === undefined) return ok('open files', 'the limit is not known on this system');
  const needed = FILES_OF_HOST + workers * FILES_PER_WORKER;
  if (limit >= needed)
    return ok('open files', `${limit === Number.POSITIVE_INFINITY ? 'unlimited' : limit} allowed`);
  return warn(
    'open files',
    `${limit} allowed; ${workers} workers and their clients may need ${needed}`,
    `Raise the limit: \`ulimit -n ${Math.max(4096, needed)}\`, LimitNOFILE= in systemd, or --ulimit nofile= in Docker.`,
  );
};

const softFileLimit = (): number | undefined => {
  // The report is the only place where Node tells limits. Without this it would look up names of network interfaces too.
  const report = process.report as (typeof process.report & { excludeNetwork?: boolean }) | undefined;
  if (report === undefined) return undefined;
  report.excludeNetwork = true;
  const { userLimits } = report.getReport() as { userLimits?: Record<string, { soft?: number | string }> };
  const soft = userLimits?.open_files?.soft;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : typeof soft === 'number' ? soft : undefined;
};
