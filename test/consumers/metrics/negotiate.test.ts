import { describe, expect, it } from 'vitest';
import { negotiate } from '../../../src/consumers/metrics/expose/negotiate.ts';
import { rig } from './fixtures.ts';

describe('negotiation', () => {
  it.each<[string, string | undefined, 'text' | 'openmetrics' | 'protobuf']>([
    ['no header', undefined, 'text'],
    ['an empty header', '', 'text'],
    ['anything', '*/*', 'text'],
    ['curl asking for text', 'text/plain', 'text'],
    ['any text', 'text/*', 'text'],
    ['OpenMetrics of no version', 'application/openmetrics-text', 'openmetrics'],
    ['OpenMetrics 1.0.0', 'application/openmetrics-text;version=1.0.0', 'openmetrics'],
    [
      'OpenMetrics 1.0.0 with a charset',
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
      'openmetrics',
    ],
    ['upper case', 'Application/OpenMetrics-Text; Version=1.0.0', 'openmetrics'],
    ['a version of OpenMetrics we do not write', 'application/openmetrics-text;version=0.0.1', 'text'],
    ['quality in favour of text', 'application/openmetrics-text;q=0.3, text/plain;q=0.7', 'text'],
    [
      'quality in favour of OpenMetrics',
      'text/plain;version=0.0.4;q=0.5, application/openmetrics-text;version=1.0.0',
      'openmetrics',
    ],
    ['text refused', 'text/plain;q=0, */*', 'openmetrics'],
    ['OpenMetrics refused', 'application/openmetrics-text;q=0, */*', 'text'],
    [
      'equal quality: as listed',
      'application/openmetrics-text;version=1.0.0, text/plain;version=0.0.4',
      'openmetrics',
    ],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text'],
    [
      'Prometheus 2.42',
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    [
      'Prometheus 3',
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
      'openmetrics',
    ],
    ['Prometheus set to text', 'text/plain;version=0.0.4;escaping=underscores;q=0.6,*/*;q=0.1', 'text'],
    ['what we do not have', 'application/json', 'text'],
    [
      'Prometheus 2.42 with native histograms',
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3',
      'protobuf',
    ],
    ['protobuf of no encoding', 'application/vnd.google.protobuf', 'protobuf'],
    [
      'protobuf as text, which we do not write',
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text',
      'text',
    ],
    [
      'protobuf of another message',
      'application/vnd.google.protobuf;proto=other;encoding=delimited, application/openmetrics-text;q=0.1',
      'openmetrics',
    ],
    ['any application type', 'application/*', 'openmetrics'],
    ['nonsense', ';;;,,, "', 'text'],
    ['more nonsense', 'a'.repeat(20_000), 'text'],
  ])('with %s', (_, accept, format) => {
    expect(negotiate(accept)).toBe(format);
  });

  it('shows in the content type', async () => {
    const { metrics } = rig();
    expect((await metrics.render()).contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect((await metrics.render('application/openmetrics-text')).contentType).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
  });
});
