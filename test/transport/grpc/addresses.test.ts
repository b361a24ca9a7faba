import { describe, expect, it } from 'vitest';
import { readAddress, readDnsName, staysHere } from '../../../src/config/index.ts';
import { Addresses } from '../../../src/transport/grpc/addresses.ts';

/** What each slot has. */
const slots = (addresses: Addresses) =>
  Array.from({ length: addresses.count }, (_, slot) => addresses.peek(slot));

const v4 = (...list: string[]) => list.map((address) => ({ address, family: 4 }));

describe('addresses of a name', () => {
  const over = (...answers: (readonly { address: string; family: number }[])[]) => {
    let at = 0;
    return new Addresses('dns:///workers:7000', async (host) => {
      expect(host).toBe('workers');
      return answers[at++] ?? [];
    });
  };

  it('each get a slot, and keep it while they are there', async () => {
    const addresses = over(v4('10.0.0.2', '10.0.0.1'), v4('10.0.0.3', '10.0.0.2'), v4('10.0.0.3'));
    expect(await addresses.of(0)).toBe('10.0.0.1:7000');
    expect(addresses.peek(1)).toBe('10.0.0.2:7000');
    await addresses.refresh();
    expect(slots(addresses)).toEqual(['10.0.0.3:7000', '10.0.0.2:7000']);
    await addresses.refresh();
    expect(slots(addresses)).toEqual(['10.0.0.3:7000']);
  });

  it('move into the slots that are left when there are fewer', async () => {
    const addresses = over(v4('10.0.0.1', '10.0.0.2', '10.0.0.3'), v4('10.0.0.3', '10.0.0.2'));
    await addresses.refresh();
    await addresses.refresh();
    expect(slots(addresses)).toEqual(['10.0.0.3:7000', '10.0.0.2:7000']);
  });

  it('stay as they were when the name cannot be looked up', async () => {
    const addresses = over([{ address: '::1', family: 6 }], []);
    expect(await addresses.of(0)).toBe('[::1]:7000');
    await expect(addresses.refresh()).rejects.toThrow("'workers' has no address");
    expect(await addresses.of(0)).toBe('[::1]:7000');
  });

  it('are asked for once at a time, however long that takes', async () => {
    const answers: ((found: ReturnType<typeof v4>) => void)[] = [];
    const addresses = new Addresses(
      'dns:///workers:7000',
      () => new Promise((resolve) => answers.push(resolve)),
    );
    const both = [addresses.refresh(), addresses.refresh()];
    expect(answers).toHaveLength(1);
    answers[0]?.(v4('10.0.0.1'));
    await Promise.all(both);
    void addresses.refresh();
    expect(answers).toHaveLength(2);
    answers[1]?.(v4('10.0.0.2'));
    await addresses.refresh();
    expect(slots(addresses)).toEqual(['10.0.0.2:7000']);
  });
});

describe('an address', () => {
  it.each([
    ['127.0.0.1:7000', true],
    ['[::1]:7000', true],
    ['localhost:1', true],
    ['unix:/run/x.sock', true],
    ['127.example.com:80', false],
    ['10.0.0.1:7000', false],
    ['[::2]:7000', false],
  ])('%s stays here: %s', (text, here) => {
    const address = readAddress(text);
    expect(address && staysHere(address)).toBe(here);
  });

  it.each(['', 'host', ':80', 'host:0', 'host:65536', 'a b:1', 'unix:', 'http://h:1', '::1:7000'])(
    'is not %j',
    (text) => {
      expect(readAddress(text)).toBeUndefined();
    },
  );

  it('of a name is dns:///name:port', () => {
    expect(readDnsName('dns:///a.b:1')).toEqual({ host: 'a.b', port: 1 });
    expect(readDnsName('a.b:1')).toBeUndefined();
  });
});
