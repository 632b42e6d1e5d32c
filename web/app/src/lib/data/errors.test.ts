import { ApiError } from '@fieldpost/api-client';
import { expect, test } from 'vitest';
import { asSentence, sentence } from './errors';

test('a cause becomes a sentence and names its line once', () => {
  expect(asSentence('line 3: no time in this row; add one', 3)).toBe('No time in this row; add one.');
  expect(asSentence('line 3: no time', 4)).toBe('Line 3: no time.');
  expect(asSentence('The disk is full.', null)).toBe('The disk is full.');
  expect(sentence(new ApiError(422, 'bad_row', 'line 3: no time', 3))).toBe('No time. (line 3)');
});

test('what is not an answer of the server is a fault of ours and is not shown as one', () => {
  expect(() => sentence(new RangeError('x'))).toThrow(RangeError);
});
