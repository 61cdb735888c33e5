import { buildConnector, Client, Dispatcher } from 'undici';
import { expect, test } from 'vitest';
import * as parts from '../src/undici/undici-parts.ts';

test('the parts of undici are the ones its index exports (an instanceof of a caller must hold)', () => {
  expect(parts.Client).toBe(Client);
  expect(parts.Dispatcher).toBe(Dispatcher);
  expect(parts.buildConnector).toBe(buildConnector);
});
