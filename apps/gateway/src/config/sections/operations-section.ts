import { z } from 'zod';
import { hostName, port } from './field-kinds.ts';

/** The operations listener: metrics and probes. */
export interface OperationsConfig {
  readonly host: string;
  readonly port: number;
}

/** The schema of `operations`. */
export const operationsSection: z.ZodType<OperationsConfig> = z.strictObject({
  host: hostName().default('127.0.0.1').describe('Address of the operations listener (`/metrics`, `/livez`, `/readyz`).'),
  port: port().default(9_464).describe('Port of the operations listener.'),
}, 'an object');
