import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfigFile } from '../../src/config/reading/read-config-file.ts';
import { repeatedKeys } from '../../src/config/reading/repeated-keys.ts';

describe('keys that stand twice', () => {
  test.each<[string, (string | number)[][]]>([
    ['{"a":1,"a":2}', [['a']]],
    ['{"a":{"b":1,"b":2},"c":{"b":1}}', [['a', 'b']]],
    ['[{"a":1},{"a":1,"x":[0,{"y":1,"y":1,"y":1}]}]', [[1, 'x', 1, 'y'], [1, 'x', 1, 'y']]],
    [String.raw`{"a":1,"\u0061":2}`, [['a']]],
    [String.raw`{"a":"\"a\":1,\"a\":2","b":"}{,:[","c":["a","a"]}`, []],
    ['{"":1,"":2}', [['']]],
    ['{"__proto__":1,"__proto__":2}', [['__proto__']]],
    [' "a:a" ', []],
  ])('in %s', (text, expected) => {
    JSON.parse(text);
    expect(repeatedKeys(text)).toEqual(expected);
  });

  test('are found in no text that has none, whatever it says', () => {
    fc.assert(fc.property(fc.json(), (text) => { expect(repeatedKeys(text)).toEqual([]); }), { numRuns: 500 });
  });

  test('are refused with their paths, all at once (half of what was written would have no effect)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-repeated-'));
    onTestFinished(() => { rmSync(folder, { recursive: true }); });
    const file = join(folder, 'config.json');
    writeFileSync(file, '{"server":{"port":1,"port":2},"clients":[{"name":"a","name":"b"}]}');
    expect(() => readConfigFile(file)).toThrow(expect.objectContaining({
      code: 'invalid', problems: [expect.objectContaining({ path: 'server.port', received: 'the same key twice' }), expect.objectContaining({ path: 'clients[0].name' })],
    }));
  });
});
