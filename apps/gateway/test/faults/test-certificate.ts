import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether this machine has openssl; scenarios with certificates say so when they are skipped for lack of it. */
export const HAS_OPENSSL: boolean = spawnSync('openssl', ['version']).status === 0;

/** A self-signed certificate, which is its own authority, and its key; both PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for a name such as `IP:127.0.0.1`; an expired one ended in the past. */
export function makeCertificate(subjectAltName: string, { isExpired = false } = {}): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-certificate-'));
  const openssl = (...args: string[]): void => {
    const made = spawnSync('openssl', args, { cwd: folder });
    if (made.status !== 0) throw new Error(`openssl failed: ${made.stderr.toString()}`);
  };
  try {
    writeFileSync(join(folder, 'openssl.cnf'), `[req]\ndistinguished_name=name\n[name]\n[extensions]\nsubjectAltName=${subjectAltName}\nbasicConstraints=critical,CA:TRUE\n`);
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem', '-out', 'request.pem', '-config', 'openssl.cnf', '-subj', '/CN=fault matrix');
    openssl('x509', '-req', '-in', 'request.pem', '-signkey', 'key.pem', '-out', 'cert.pem', '-extfile', 'openssl.cnf', '-extensions', 'extensions', '-days', isExpired ? '-1' : '2');
    return { cert: readFileSync(join(folder, 'cert.pem'), 'utf8'), key: readFileSync(join(folder, 'key.pem'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
