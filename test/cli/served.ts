import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { file, realPython } from '../process/python-fixtures.ts';
import { startCli, until } from './run-cli.ts';
import { runtimeEnv } from './terminal.ts';

const APP = `from snakepit import command

@command
def echo(n: int = 0):
    return n

@command
def fail(text: str = "luck"):
    raise ValueError("no " + text)
`;

/** A real instance with runtime folders of its own below `root`; killed when the test ends. */
export const served = async (root: string, name: string, more: Record<string, string> = {}) => {
  const folder = join(root, name);
  for (const inner of ['run', 'tmp']) mkdirSync(join(folder, inner), { recursive: true });
  file(join(folder, 'app.py'), APP);
  const env = { ...runtimeEnv(folder), ...more };
  const argv = [
    'serve',
    'app.py',
    '--workers',
    '1',
    '--port',
    '0',
    '--ops-port',
    '0',
    '--python',
    realPython,
  ];
  const running = startCli(argv, folder, env);
  const line = await Promise.race([
    until(() => running.output.stdout.includes('\n') && running.output.stdout),
    running.ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  const { url, ops_url } = JSON.parse(line) as { url: string; ops_url: string };
  const call = async (command: string, args: object = {}) => {
    const headers = { 'content-type': 'application/json' };
    await (
      await fetch(`${url}/v1/commands/${command}`, { method: 'POST', headers, body: JSON.stringify(args) })
    ).text();
  };
  return { running, url, ops_url, folder, env, call };
};
