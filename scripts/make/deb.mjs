// Makes a Debian package of the executable and its unit with dpkg-deb, which every Debian has.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatewayVersion, ROOT } from './bundle.mjs';
import { makeExecutable } from './executable.mjs';
import { runCommand } from './run-command.mjs';

const DEBIAN_NAMES = { x64: 'amd64', arm64: 'arm64' };

/** Makes `penstock_VERSION_ARCH.deb` in a folder. Returns its path. */
export async function makeDeb(folder, arch) {
  mkdirSync(folder, { recursive: true });
  // The modes of directories are part of the package.
  process.umask(0o022);
  const scratch = mkdtempSync(join(tmpdir(), 'penstock-deb-'));
  try {
    const root = join(scratch, 'root');
    const place = (from, to, mode) => {
      const target = join(root, to);
      mkdirSync(join(target, '..'), { recursive: true });
      cpSync(from, target);
      chmodSync(target, mode);
    };
    place(await makeExecutable(scratch, arch), 'usr/bin/penstock', 0o755);
    place(join(ROOT, 'deploy/systemd/penstock.service'), 'lib/systemd/system/penstock.service', 0o644);
    place(join(ROOT, 'deploy/debian/gateway.json'), 'etc/penstock/gateway.json', 0o644);
    place(join(ROOT, 'LICENSE'), 'usr/share/doc/penstock/copyright', 0o644);
    place(join(ROOT, 'THIRD-PARTY-NOTICES.md'), 'usr/share/doc/penstock/THIRD-PARTY-NOTICES.md', 0o644);
    for (const name of ['postinst', 'prerm']) place(join(ROOT, 'deploy/debian', name), `DEBIAN/${name}`, 0o755);
    writeFileSync(join(root, 'DEBIAN/conffiles'), '/etc/penstock/gateway.json\n');
    // A pre-release is older than its release only behind a tilde.
    const version = gatewayVersion().replace('-', '~');
    writeFileSync(join(root, 'DEBIAN/control'), control(version, DEBIAN_NAMES[arch]));
    const file = join(folder, `penstock_${version}_${DEBIAN_NAMES[arch]}.deb`);
    // zstd and xz need a dpkg of the newer kind, or a minute.
    runCommand('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', root, file], scratch);
    return file;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** https://www.debian.org/doc/debian-policy/ch-controlfields.html. The libraries are those of Node's own binary. */
function control(version, architecture) {
  return `Package: penstock
Version: ${version}
Architecture: ${architecture}
Maintainer: The Penstock authors <penstock@localhost>
Section: net
Priority: optional
Depends: libc6 (>= 2.28), libstdc++6, libgcc-s1, libatomic1
Recommends: systemd, ca-certificates
Description: gateway for the Anthropic API
 A reverse proxy that forwards bodies unmodified, never presents a truncated
 response as complete, and exports metrics for every connection and stream.
`;
}
