import { ApiError } from '@fieldpost/api-client';
import { expect, test, vi } from 'vitest';
import { asSentence, sentence } from './errors';

test('a cause becomes a sentence and names its line once', () => {
  expect(asSentence('line 3: no time in this row; add one', 3)).toBe('No time in this row; add one.');
  expect(asSentence('line 3: no time', 4)).toBe('Line 3: no time.');
  expect(asSentence('The disk is full.', null)).toBe('The disk is full.');
  expect(sentence(new ApiError(422, 'bad_row', 'line 3: no time', 3))).toBe('No time. (line 3)');
});

test('a fault of ours gets plain words on the page and its text in the console', () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  const fault = new RangeError('secret of the program');
  expect(sentence(fault)).toMatch(/^This page made a mistake\./);
  expect(log).toHaveBeenCalledWith(fault);
});
