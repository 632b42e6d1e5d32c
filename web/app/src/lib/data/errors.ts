// What went wrong as a sentence for the person. Only the server's and our own sentences reach the page.

import { ApiError } from '@fieldpost/api-client';

/** Never throws: a fault of ours goes to the console in full and to the page in plain words. */
export function sentence(error: unknown): string {
  if (!(error instanceof ApiError)) {
    console.error(error);
    return 'This page made a mistake. What is stored stays stored; load the page again.';
  }
  const text = asSentence(error.message, error.line);
  return error.line === null ? text : `${text} (line ${error.line})`;
}

/** A cause as programs print it (`line 3: no time; add one`) as a person reads it, its line told beside it. */
export function asSentence(message: string, line: number | null): string {
  const prefix = `line ${line}: `;
  const bare = line !== null && message.startsWith(prefix) ? message.slice(prefix.length) : message;
  const text = bare.charAt(0).toUpperCase() + bare.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
