import { expect, test } from 'vitest';
import { ssoTrouble } from './sso';

test('what went wrong at the other service is said by its name, and nothing is said otherwise', () => {
  expect(ssoTrouble('', 'the club')).toBeNull();
  expect(ssoTrouble('#elsewhere', 'the club')).toBeNull();
  expect(ssoTrouble('#sso=denied', 'the club')).toContain('The club did not let you through');
  expect(ssoTrouble('#sso=no_account', null)).toContain('The other service knows you');
});

test('a word that is not known is no riddle, and none of what stands in the address is repeated', () => {
  const said = ssoTrouble('#sso=toString', 'the club');
  expect(said).toBe('The other service did not sign you in. Begin again.');
});
