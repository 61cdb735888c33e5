/** Certificates made by the test itself: just enough X.509 (RFC 5280) in DER for a private CA and the servers it vouches for. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate with its key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority that can issue. */
export interface Authority extends Certificate {
  issue(options: IssueOptions): Certificate;
}

/** What a server certificate says. */
export interface IssueOptions {
  /** Names and IPv4 addresses. */
  readonly names: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const length = content.byteLength < 128 ? [content.byteLength] : [0x82, content.byteLength >> 8, content.byteLength & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...contents: readonly Uint8Array[]): Buffer => tlv(0x30, ...contents);
const octets = (content: Uint8Array): Buffer => tlv(0x04, content);
const bits = (content: Uint8Array): Buffer => tlv(0x03, Buffer.from([0]), content);
const oid = (...bytes: number[]): Buffer => tlv(0x06, Buffer.from(bytes));
const time = (date: Date): Buffer => tlv(0x18, Buffer.from(date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')));
const TRUE = tlv(0x01, Buffer.from([0xff]));

const ECDSA_WITH_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const commonName = (name: string): Buffer => sequence(tlv(0x31, sequence(oid(0x55, 0x04, 0x03), tlv(0x0c, Buffer.from(name)))));

const BASIC_CONSTRAINTS_CA = sequence(oid(0x55, 0x1d, 0x13), TRUE, octets(sequence(TRUE)));
const keyIdentifier = (publicKey: KeyObject): Buffer => createHash('sha1').update(publicKey.export({ type: 'spki', format: 'der' })).digest();
const subjectKey = (publicKey: KeyObject): Buffer => sequence(oid(0x55, 0x1d, 0x0e), octets(octets(keyIdentifier(publicKey))));
const alternativeNames = (names: readonly string[]): Buffer => sequence(oid(0x55, 0x1d, 0x11), octets(sequence(...names.map((name) => (
  isIPv4(name) ? tlv(0x87, Buffer.from(name.split('.').map(Number))) : tlv(0x82, Buffer.from(name)))))));

interface Body {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replaceAll(/(.{64})/g, '$1\n')}\n-----END ${label}-----\n`;
}

function signed({ issuer, subject, publicKey, signer, extensions, notBefore, notAfter }: Body): string {
  const serial = randomBytes(8);
  serial[0] = 0x01;
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), tlv(0x02, serial), ECDSA_WITH_SHA256, commonName(issuer),
    sequence(time(notBefore), time(notAfter)), commonName(subject),
    publicKey.export({ type: 'spki', format: 'der' }), tlv(0xa3, sequence(...extensions)),
  );
  return pem('CERTIFICATE', sequence(body, ECDSA_WITH_SHA256, bits(sign('sha256', body, signer))));
}

/** Makes a certificate authority of its own. */
export function createAuthority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const from = new Date(Date.now() - DAY_MS);
  const to = new Date(Date.now() + DAY_MS);
  const keyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });
  return {
    cert: signed({ issuer: name, subject: name, publicKey, signer: privateKey, extensions: [BASIC_CONSTRAINTS_CA, subjectKey(publicKey)], notBefore: from, notAfter: to }),
    key: keyPem(privateKey),
    issue: ({ names, notBefore = from, notAfter = to }) => {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const cert = signed({ issuer: name, subject: names[0] ?? 'unnamed', publicKey: own.publicKey, signer: privateKey, extensions: [alternativeNames(names)], notBefore, notAfter });
      return { cert, key: keyPem(own.privateKey) };
    },
  };
}
