import { z } from 'zod';
import { adminSection } from './sections/admin-section.ts';
import { anthropicNativeSection } from './sections/anthropic-native-section.ts';
import { budgetsSection } from './sections/budgets-section.ts';
import { clientsSection } from './sections/clients-section.ts';
import { bedrockSection, vertexSection } from './sections/cloud-sections.ts';
import { RELOADABLE } from './sections/field-kinds.ts';
import { frontDoorSection } from './sections/front-door-section.ts';
import { identitySection } from './sections/identity-section.ts';
import { limitsSection } from './sections/limits-section.ts';
import { logSection } from './sections/log-section.ts';
import { operationsSection } from './sections/operations-section.ts';
import { policiesSection } from './sections/policies-section.ts';
import { pricesSection } from './sections/prices-section.ts';
import { serverSection } from './sections/server-section.ts';
import { stateSection } from './sections/state-section.ts';
import { telemetrySection } from './sections/telemetry-section.ts';
import type { AdminConfig } from './sections/admin-section.ts';
import type { AnthropicNativeConfig } from './sections/anthropic-native-section.ts';
import type { BudgetConfig } from './sections/budgets-section.ts';
import type { ClientConfig } from './sections/clients-section.ts';
import type { BedrockConfig, VertexConfig } from './sections/cloud-sections.ts';
import type { FrontDoorConfig } from './sections/front-door-section.ts';
import type { IdentityConfig } from './sections/identity-section.ts';
import type { LimitsConfig } from './sections/limits-section.ts';
import type { LogConfig } from './sections/log-section.ts';
import type { OperationsConfig } from './sections/operations-section.ts';
import type { PolicyConfig } from './sections/policies-section.ts';
import type { PriceConfig } from './sections/prices-section.ts';
import type { ServerConfig } from './sections/server-section.ts';
import type { StateConfig } from './sections/state-section.ts';
import type { TelemetryConfig } from './sections/telemetry-section.ts';

/** The whole configuration with every default filled in; snake_case as in the file, durations in seconds. */
export interface GatewayConfig {
  readonly $schema?: string | undefined;
  readonly server: ServerConfig;
  readonly operations: OperationsConfig;
  readonly anthropic_native: AnthropicNativeConfig;
  readonly clients: readonly ClientConfig[];
  readonly identity: IdentityConfig;
  readonly policies: readonly PolicyConfig[];
  readonly budgets: readonly BudgetConfig[];
  readonly admin: AdminConfig;
  readonly prices: readonly PriceConfig[];
  readonly state: StateConfig;
  readonly telemetry: TelemetryConfig;
  readonly limits: LimitsConfig;
  readonly log: LogConfig;
  readonly openai_front_door: FrontDoorConfig;
  /** Absent where Bedrock's own format is not served. */
  readonly bedrock?: BedrockConfig | undefined;
  /** Absent where Vertex AI's own format is not served. */
  readonly vertex?: VertexConfig | undefined;
}

/** The one definition of the configuration: validation, types, JSON Schema and documentation come from it. */
export const gatewayConfigSchema: z.ZodType<GatewayConfig> = z.strictObject({
  $schema: z.string('a URL or path').optional().describe('For editors; ignored.'),
  server: serverSection.prefault({}).describe('The main listener and the process around it.'),
  operations: operationsSection.prefault({}).describe('The operations listener: metrics and probes.'),
  anthropic_native: anthropicNativeSection.prefault({}).describe('The native pass-through under `/anthropic`.'),
  clients: clientsSection.prefault([]).describe('Callers with a key of the gateway\'s. Empty: callers are anonymous, on loopback only.').meta(RELOADABLE),
  identity: identitySection.prefault({}).describe('Callers without a key of the gateway\'s: persons and workloads with a signed token. With it no caller is anonymous.'),
  policies: policiesSection.prefault([]).describe('What persons and workloads may do. The first entry that matches is laid over the one with an empty `match`; without any they may do nothing.').meta(RELOADABLE),
  budgets: budgetsSection.prefault([]).describe('What may be spent in a day, week or month, by whom. [budgets.md](budgets.md) describes them.').meta(RELOADABLE),
  admin: adminSection.prefault({}).describe('Who may read and change budgets over HTTP. Without keys and groups its paths are 404.').meta(RELOADABLE),
  state: stateSection.prefault({}).describe('What must outlive the gateway: sign-ins under way, sessions, and what was spent.'),
  prices: pricesSection.prefault([]).describe('What models cost, over the built-in table of Anthropic\'s list prices. A model that neither knows is charged $5 and $25 per million tokens, and shown.').meta(RELOADABLE),
  telemetry: telemetrySection.prefault({}).describe('Where the telemetry of signed-in Claude Code goes. Nothing of it is logged here.').meta(RELOADABLE),
  limits: limitsSection.prefault({}).describe('Where the counters of client limits live.'),
  log: logSection.prefault({}).describe('Logging.'),
  openai_front_door: frontDoorSection.prefault({}).describe('The OpenAI front door under `/v1`.'),
  bedrock: bedrockSection.optional().describe('Amazon Bedrock in its own format under `/bedrock`, for clients that speak it. Absent: off. [clouds.md](clouds.md) describes it.'),
  vertex: vertexSection.optional().describe('Vertex AI in its own format under `/vertex`, for clients that speak it. Absent: off. [clouds.md](clouds.md) describes it.'),
}, 'a JSON object');
