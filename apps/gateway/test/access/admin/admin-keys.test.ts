import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAdminKeys } from '../../../src/access/admin/admin-keys.ts';

const WRITE = 'write-key-of-an-administrator-0123456789';
const READ = 'read-key-of-an-administrator-01234567890';

describe('admin keys', () => {
  const keys = createAdminKeys({ write_keys: [WRITE], read_keys: [READ] });

  it('a write key and a read key have their rights, and the audit names them by a digest', () => {
    expect(keys.judge(WRITE)).toEqual({ right: 'write', actor: `admin-key:${createHash('sha256').update(WRITE).digest('hex').slice(0, 12)}` });
    expect(keys.judge(READ)?.right).toBe('read');
  });

  it('anything else has none', () => {
    for (const wrong of ['', ' ', WRITE.slice(0, -1), `${WRITE} `, WRITE.toUpperCase(), READ + WRITE]) expect(keys.judge(wrong)).toBeUndefined();
    expect(createAdminKeys({ write_keys: [], read_keys: [] }).judge('')).toBeUndefined();
  });
});
