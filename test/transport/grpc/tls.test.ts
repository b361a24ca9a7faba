import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../../src/index.ts';
import { errorOf, newFolder, python, startPit } from '../../support/pit.ts';
import { requirePythonModule } from '../../support/tools.ts';
import { Authority, hasOpenssl, standForeign, standPython } from './support.ts';

const can = requirePythonModule('grpc') && requirePythonModule('grpc_health') && hasOpenssl();
const TOKEN = 'a-token-of-enough-length';

const app = python`
  @command
  def echo(value):
      return value
`;

describe.skipIf(!can)('TLS', () => {
  const pool = (address: string, more: object): PoolOptions =>
    ({
      remote: { addresses: [address], connectTimeoutMs: 20_000, ...more },
      restartDelayMs: 50,
    }) as PoolOptions;
  const refused = (address: string, more: object) => errorOf(startPit({ pool: pool(address, more) }));

  it('with a token: serves who knows both, and tells others what is wrong', async () => {
    const authority = new Authority();
    const own = authority.issue('IP:127.0.0.1');
    const tokenFile = join(newFolder(), 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`);
    const { address } = await standPython(app, [
      ...['--tls-cert', own.cert, '--tls-key', own.key, '--token-file', tokenFile],
    ]);
    const tls = { ca: authority.ca };
    const test = await startPit({ pool: pool(address, { tls, token: TOKEN }) });
    expect(await test.pit.execute('echo', { value: 1 })).toBe(1);
    expect(JSON.stringify(test.events.all)).not.toContain(TOKEN);
    const byFile = await startPit({ pool: pool(address, { tls, tokenFile }) });
    expect(await byFile.pit.execute('echo', { value: 1 })).toBe(1);

    const wrongToken = await refused(address, { tls, token: 'x'.repeat(20) });
    expect(wrongToken.code).toBe('worker_start_failed');
    expect(wrongToken.message).toMatch(/does not let this host in.*remote\.token/);
    expect(wrongToken.message).not.toContain('xxxx');
    expect((await refused(address, { tls })).context.grpc?.status).toBe('UNAUTHENTICATED');

    const stranger = await refused(address, { tls: { ca: new Authority('another').ca }, token: TOKEN });
    expect(stranger.message).toMatch(/not signed by an authority known here.*remote\.tls\.ca/);
    const named = await refused(address, { tls: { ...tls, serverName: 'workers.example' }, token: TOKEN });
    expect(named.message).toMatch(/certificate is for another name.*serverName/);
    const plain = await refused(address, {});
    expect(plain.message).toMatch(/may want TLS/);
    const gone = await refused(address, { tls: { ca: '/no/such/file.pem' } });
    expect(gone.message).toMatch(/remote\.tls\.ca: '\/no\/such\/file\.pem' cannot be read/);
    const noPem = await refused(address, { tls: { ...tls, cert: tokenFile, key: tokenFile } });
    expect(noPem.message).toMatch(/files of remote\.tls cannot be used/);
  });

  it('both ways: serves hosts whose certificate its authority has signed', async () => {
    const authority = new Authority();
    const own = authority.issue('DNS:workers.example');
    const host = authority.issue('DNS:host.example');
    const { address } = await standPython(app, [
      ...['--tls-cert', own.cert, '--tls-key', own.key, '--tls-client-ca', authority.ca],
    ]);
    const tls = { ca: authority.ca, serverName: 'workers.example' };
    const test = await startPit({ pool: pool(address, { tls: { ...tls, ...host } }) });
    expect(await test.pit.execute('echo', { value: 1 })).toBe(1);
    const without = await refused(address, { tls });
    expect(without.message).toMatch(/a certificate of this host \(remote\.tls\.cert/);
    const foreign = await refused(address, {
      tls: { ...tls, ...new Authority('another').issue('DNS:host.example') },
    });
    expect(foreign.code).toBe('worker_start_failed');
    expect(foreign.message).toContain(address);
  });

  it('with a certificate of the worker that has expired: says so, and takes the renewed one', async () => {
    const authority = new Authority();
    const expired = authority.issue('IP:127.0.0.1', -1);
    const fresh = authority.issue('IP:127.0.0.1');
    const old = await standForeign(0, '', [expired.cert, expired.key]);
    const options = pool(old.address, { tls: { ca: authority.ca } });
    const late = await errorOf(startPit({ pool: options }));
    expect(late.message).toMatch(/certificate is out of date: renew it/);
    const test = await startPit({ waitFor: 'none', pool: options });
    await test.events.first('snakepit.worker.start_failed');
    old.child.kill('SIGKILL');
    await once(old.child, 'exit');
    await standForeign(Number(old.address.split(':')[1]), '', [fresh.cert, fresh.key]);
    await test.serving(1);
    expect(await test.pit.execute('echo', { value: 1 })).toBe(1);
  });

  it('with files of this host that are renewed: takes them at the next connect', async () => {
    const authority = new Authority();
    const own = authority.issue('IP:127.0.0.1');
    const [wrong, right] = [new Authority('another').issue('DNS:host'), authority.issue('DNS:host')];
    const folder = newFolder();
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    copyFileSync(wrong.cert, cert);
    copyFileSync(wrong.key, key);
    const { address } = await standPython(app, [
      ...['--tls-cert', own.cert, '--tls-key', own.key, '--tls-client-ca', authority.ca],
    ]);
    const options = pool(address, { tls: { ca: authority.ca, cert, key } });
    const test = await startPit({ waitFor: 'none', pool: options });
    await test.events.first('snakepit.worker.start_failed');
    copyFileSync(right.key, key);
    copyFileSync(right.cert, cert);
    await test.serving(1);
    expect(await test.pit.execute('echo', { value: 1 })).toBe(1);
  });

  it('to one that has none, says so', async () => {
    const { address } = await standPython(app);
    const error = await refused(address, { tls: {} });
    expect(error.message).toMatch(/answers without TLS/);
  });
});
