import { describe, expect, it } from 'vitest';
import { rootOf } from '../../dashboard/src/data/urls.ts';
import { changed, href, parseRoute } from '../../dashboard/src/ui/address.ts';

describe('addresses of views', () => {
  it('reads back what it writes, whatever is in it', () => {
    const params = { pool: 'a&b=c', q: 'ä ?#/%', error: '0' };
    expect(parseRoute(href('errors', params))).toEqual({ view: 'errors', params });
  });

  it('shows the overview for what it does not know', () => {
    expect(parseRoute('?view=constructor').view).toBe('overview');
    expect(parseRoute('').view).toBe('overview');
  });

  it('leaves out what is empty, and takes away what is changed to nothing', () => {
    expect(href('pools', { pool: '', worker: null, n: 0 })).toBe('?view=pools&n=0');
    const route = parseRoute('?view=latency&pool=a&command=b');
    expect(changed(route, { command: null })).toBe('?view=latency&pool=a');
    expect(changed(route, { pool: 'z' })).toBe('?view=latency&pool=z&command=b');
  });

  it('finds the API beside the page, below any prefix', () => {
    expect(rootOf('/dashboard')).toBe('/');
    expect(rootOf('/x/y/dashboard')).toBe('/x/y/');
    expect(rootOf('/x/dashboard/')).toBe('/x/');
  });
});
