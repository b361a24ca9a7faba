/** Whether an `Origin` is that of the server itself, by the `Host` it was reached under. */
export const isOwnOrigin = (origin: string, host: string): boolean => {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: theirs } = new URL(origin);
  const own = `${protocol}//${host}`;
  // Both through URL, so that a default port counts the same written or not.
  return URL.canParse(own) && new URL(own).host === theirs;
};
