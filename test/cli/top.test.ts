import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { realPython, scratch } from '../process/python-fixtures.ts';
import { bin, cleanEnv } from './run-cli.ts';
import { served } from './served.ts';

const root = scratch();
const serve = (name: string) => served(root, name);

/** Runs a command on a terminal of its own, types into it, and tells what came and how the terminal was left. */
const PTY = `import json, os, pty, select, signal, sys, termios, time
argv, keys, columns, rows = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
import fcntl, struct
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
before = termios.tcgetattr(fd)[3]
seen, left = b'', list(keys)
raw = False
while True:
    try:
        seen += os.read(fd, 65536)
    except OSError:
        break
    try:
        raw = raw or not termios.tcgetattr(fd)[3] & termios.ICANON
        after = termios.tcgetattr(fd)[3]
    except termios.error:
        pass
    if left and seen.count(b'running, 0 of') >= left[0][0]:
        key = left.pop(0)[1]
        if key.startswith('SIG'): os.kill(pid, getattr(signal, key))
        elif key == 'resize': fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 4, 60, 0, 0))
        else: os.write(fd, key.encode())
_, status = os.waitpid(pid, 0)
print(json.dumps({'seen': seen.decode(), 'status': status, 'raw': raw, 'restored': bool(after & termios.ICANON) and bool(after & termios.ECHO)}))
`;

interface OnTerminal {
  readonly seen: string;
  /** As `waitpid` gives it. */
  readonly status: number;
  readonly raw: boolean;
  readonly restored: boolean;
}

const onTerminal = (
  argv: readonly string[],
  keys: readonly (readonly [number, string])[],
  env: Record<string, string>,
  [columns, rows] = [100, 30],
): Promise<OnTerminal> =>
  new Promise((resolve, reject) => {
    const spec = JSON.stringify([[process.execPath, bin, ...argv], keys, columns, rows]);
    const child = spawn(realPython, ['-c', PTY, spec], { env: cleanEnv({ TERM: 'xterm-256color', ...env }) });
    onTestFinished(() => void child.kill('SIGKILL'));
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.once('close', () => (out === '' ? reject(new Error(err)) : resolve(JSON.parse(out))));
  });

describe('snakepit top on a terminal', () => {
  const OPEN = '\u001b[?1049h';
  const CLOSED = '\u001b[?1049l';

  it('shows a live screen, and gives the terminal back on every way out', async () => {
    const served = await serve('display');
    await served.call('echo');
    for (const [key, status] of [
      ['q', 0],
      ['\u0003', 0],
      ['SIGINT', 0],
      ['SIGTERM', 15],
    ] as const) {
      const { seen, restored, raw, ...ended } = await onTerminal(['top'], [[2, key]], served.env);
      expect(ended.status, JSON.stringify(key)).toBe(status);
      expect({ raw, restored }, JSON.stringify(key)).toEqual({ raw: true, restored: true });
      expect(seen.startsWith(OPEN)).toBe(true);
      expect(seen.indexOf(CLOSED)).toBeGreaterThan(seen.lastIndexOf('running, 0 of'));
      // Written over, never cleared in between.
      expect(seen).not.toContain('\u001b[2J');
    }
  }, 60_000);

  it('gives the terminal back when the instance goes away', async () => {
    const served = await serve('gone');
    const shown = onTerminal(['top'], [], served.env);
    served.running.child.kill('SIGKILL');
    await served.running.ended;
    const { seen, status, restored } = await shown;
    expect({ code: status >> 8, restored }).toEqual({ code: 1, restored: true });
    expect(seen.lastIndexOf(CLOSED)).toBe(seen.includes(OPEN) ? seen.indexOf(CLOSED) : -1);
  }, 60_000);

  it('draws anew, and not beyond the edge, when the window changes', async () => {
    const served = await serve('resize');
    const { seen } = await onTerminal(
      ['top'],
      [
        [1, 'resize'],
        [4, 'q'],
      ],
      served.env,
    );
    const last = seen.slice(seen.lastIndexOf('\u001b[?2026h'), seen.lastIndexOf('\u001b[?2026l'));
    expect(last.split('\r\n')).toHaveLength(4);
    expect(last).toContain('a higher window shows more');
  }, 60_000);

  it('prints once on a terminal that knows nothing', async () => {
    const served = await serve('dumb');
    const { seen, status } = await onTerminal(['top'], [], { ...served.env, TERM: 'dumb' });
    expect(status).toBe(0);
    expect(seen).toContain('default running, 0 of 1 worker busy');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
    expect(seen).not.toMatch(/\u001b\[[?HJK]/);
  }, 60_000);
});
