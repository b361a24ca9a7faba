/** What the reader chose, kept by the browser where it lets us. */

export const kept = (name: string): string | null => {
  try {
    return localStorage.getItem(`snakepit.${name}`);
  } catch {
    return null;
  }
};

export const keep = (name: string, value: string | null): void => {
  try {
    if (value === null) localStorage.removeItem(`snakepit.${name}`);
    else localStorage.setItem(`snakepit.${name}`, value);
  } catch {
    // Private windows and files may not keep anything; the choice holds until the page is left.
  }
};
