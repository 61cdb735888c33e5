import { expect, test } from 'vitest';
import { invocationFolder } from '../../src/commands/invocation-folder.ts';

test('the script of this repository reads relative paths from the folder in which it was called, any other program from its own', () => {
  const own = { npm_package_name: 'penstock-workspace', npm_lifecycle_event: 'penstock', INIT_CWD: '/checkout/docs' };
  expect(invocationFolder(own, '/checkout')).toBe('/checkout/docs');
  expect(invocationFolder({ ...own, npm_lifecycle_event: 'start' }, '/checkout')).toBe('/checkout');
  expect(invocationFolder({ ...own, npm_package_name: 'another' }, '/checkout')).toBe('/checkout');
  expect(invocationFolder({ ...own, INIT_CWD: undefined }, '/checkout')).toBe('/checkout');
});
