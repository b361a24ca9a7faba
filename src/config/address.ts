/** Where a worker listens: a host and a port, or a Unix socket. */
export type WorkerAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const TCP = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/;

/** Reads `host:port`, `[::1]:port` or `unix:/path`; undefined when it is none of them. */
export const readAddress = (text: string): WorkerAddress | undefined => {
  if (/^unix:\/./.test(text)) return { kind: 'unix', path: text.slice('unix:'.length) };
  const [, v6, name, digits] = TCP.exec(text) ?? [];
  const port = Number(digits);
  const host = v6 ?? name;
  return host === undefined || port < 1 || port > 65535 ? undefined : { kind: 'tcp', host, port };
};

/** Whether what is sent there cannot leave this machine. */
export const staysHere = (address: WorkerAddress): boolean =>
  address.kind === 'unix' || /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(address.host);

const DNS = /^dns:\/\/\/([A-Za-z0-9._-]+):(\d{1,5})$/;

/** Reads `dns:///name:port`: every address that name has; undefined when it is something else. */
export const readDnsName = (text: string): { readonly host: string; readonly port: number } | undefined => {
  const [, host, digits] = DNS.exec(text) ?? [];
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65535 ? undefined : { host, port };
};
