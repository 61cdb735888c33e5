import { createAwsCredential, type AwsSource } from '../src/index.ts';

/** A request for both implementations; the body is base64. */
export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly keys: AwsSource;
  readonly region: string;
  readonly service: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** The fields that this package gives a request, by name. */
export async function fieldsOf({ method, url, headers, body, keys, region, service, at }: SignedRequest): Promise<Readonly<Record<string, string>>> {
  const credential = createAwsCredential({ region, service, source: keys, now: () => at });
  const bytes = Buffer.from(body, 'base64');
  // In pieces, as bodies arrive.
  const pieces = [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)];
  const fields = await credential.fieldsFor({ method, url: new URL(url), headers: headers.flat(), body: bytes.length === 0 ? null : pieces });
  credential.close();
  return Object.fromEntries(Array.from({ length: fields.length / 2 }, (_, index) => [fields[index * 2] as string, fields[index * 2 + 1] as string]));
}
