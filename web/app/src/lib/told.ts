// What was done on one page and is told on the next, also across a load of the whole site.

const KEY = 'fieldpost-told';

export const tellNext = (words: string): void => sessionStorage.setItem(KEY, words);

/** What the page before left to be told, this once. */
export function takeTold(): string | null {
  const words = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return words;
}
