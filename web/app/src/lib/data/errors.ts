// What went wrong as a sentence for the person. Only the server's and our own sentences reach the page.

import { ApiError } from '@fieldpost/api-client';

export function sentence(error: unknown): string {
  if (error instanceof ApiError) {
    return error.line === null ? error.message : `${error.message} (line ${error.line})`;
  }
  throw error;
}
