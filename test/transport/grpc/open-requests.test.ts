import { describe, expect, it } from 'vitest';
import { OpenRequests } from '../../../src/transport/grpc/open-requests.ts';

const open = (...ids: number[]) => {
  const requests = new OpenRequests();
  for (const id of ids) requests.add(id, `request ${id}`);
  return requests;
};

describe('requests on a link whose worker dies', () => {
  it('may all have begun, as long as nobody says otherwise', () => {
    expect(open(1, 2).lastStarted).toEqual([]);
    const requests = open(1, 2);
    requests.lose(1, false);
    expect(requests.lastStarted).toEqual([]);
  });

  it('have begun up to the last that is not told as untouched', () => {
    const requests = open(4, 5, 6);
    expect(requests.lose(6, true)).toBe(true);
    expect(requests.lose(5, false)).toBe(false);
    expect(requests.lastStarted).toEqual([5]);
  });

  it('are all untouched where each is told so', () => {
    const requests = open(4);
    requests.lose(4, true);
    expect(requests.lastStarted).toEqual([0]);
  });
});

describe('a request that is over', () => {
  it('is forgotten, or remembered for a while', () => {
    const requests = open(1, 2);
    expect(requests.settle(1, false)).toBe(true);
    expect(requests.settle(1, false)).toBe(false);
    expect(requests.idOf('request 1')).toBeNull();
    requests.settle(2, true);
    expect([requests.has(2), requests.idOf('request 2')]).toEqual([false, 2]);
    for (let id = 3; id < 70; id++) {
      requests.add(id, `request ${id}`);
      requests.settle(id, true);
    }
    expect(requests.idOf('request 2')).toBeNull();
    expect(requests.idOf('request 69')).toBe(69);
  });

  it('that was started again is known by its new id', () => {
    const requests = open(1);
    requests.add(2, 'request 1');
    requests.settle(1, false);
    expect(requests.idOf('request 1')).toBe(2);
  });
});
