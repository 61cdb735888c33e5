import { crc32 } from 'node:zlib';

/** One file of an archive. */
export interface ArchiveEntry {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
const UTF8_NAMES = 0x0800;
/** 1 January 1980, the first day that the format knows: archives of the same files are the same bytes. */
const FIRST_DATE = 0x0021;

/** A ZIP archive without compression. */
export function zipArchive(entries: readonly ArchiveEntry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { path, bytes } of entries) {
    const name = Buffer.from(path);
    const local = Buffer.alloc(LOCAL_HEADER_BYTES);
    local.writeUInt32LE(0x04034b50, 0);
    writeFields(local, 4, name, bytes);
    const central = Buffer.alloc(CENTRAL_HEADER_BYTES);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 4);
    writeFields(central, 6, name, bytes);
    central.writeUInt32LE(offset, 42);
    locals.push(local, name, Buffer.from(bytes));
    centrals.push(central, name);
    offset += local.length + name.length + bytes.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** The fields that a local and a central header share, from `version needed to extract` on. */
function writeFields(header: Buffer, start: number, name: Uint8Array, bytes: Uint8Array): void {
  header.writeUInt16LE(20, start);
  header.writeUInt16LE(UTF8_NAMES, start + 2);
  header.writeUInt16LE(FIRST_DATE, start + 8);
  header.writeUInt32LE(crc32(bytes), start + 10);
  header.writeUInt32LE(bytes.length, start + 14);
  header.writeUInt32LE(bytes.length, start + 18);
  header.writeUInt16LE(name.length, start + 22);
}
