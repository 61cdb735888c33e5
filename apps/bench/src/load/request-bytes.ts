import { readFileSync } from 'node:fs';
import { REQUEST_FIELDS, requestBody } from '../wire/request-bodies.ts';
import type { Target } from './target.ts';

const bodies = new Map<string, Buffer>();

/** The body of a target, made once. */
export function bodyOf({ body }: Target): Buffer {
  let bytes = bodies.get(body);
  if (bytes === undefined) {
    bytes = requestBody(body);
    bodies.set(body, bytes);
  }
  return bytes;
}

/** A whole request as it goes over the wire. Fields of the target replace those of every request; one without a value leaves its field out. */
export function requestBytes(target: Target): Buffer {
  const body = bodyOf(target);
  const own = new Set(target.fields.filter((_, index) => index % 2 === 0));
  let head = `POST ${target.path} HTTP/1.1\r\nhost: 127.0.0.1:${target.port}\r\n`;
  for (let index = 0; index < REQUEST_FIELDS.length; index += 2) {
    if (!own.has(REQUEST_FIELDS[index] as string)) head += `${REQUEST_FIELDS[index]}: ${REQUEST_FIELDS[index + 1]}\r\n`;
  }
  for (let index = 0; index < target.fields.length; index += 2) {
    if (target.fields[index + 1] !== '') head += `${target.fields[index]}: ${target.fields[index + 1]}\r\n`;
  }
  return Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`), body]);
}

const choices = new Map<string, readonly Buffer[]>();

/** The requests to a target of which one is sent each time: one for each of its bearers, or the only one. Made once for each target. */
export function requestChoices(target: Target): readonly Buffer[] {
  const { bearersFile } = target;
  if (bearersFile === undefined) return [requestBytes(target)];
  const key = JSON.stringify(target);
  let requests = choices.get(key);
  if (requests === undefined) {
    const bearers = readFileSync(bearersFile, 'latin1').trimEnd().split('\n');
    requests = bearers.map((bearer) => requestBytes({ ...target, fields: [...target.fields, 'authorization', `Bearer ${bearer}`, 'x-api-key', ''] }));
    choices.set(key, requests);
  }
  return requests;
}
