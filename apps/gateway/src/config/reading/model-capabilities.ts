import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { valueProblem } from '../config-error.ts';
import type { ConfigProblem } from '../config-error.ts';
import { isFields, type Environment } from './overrides.ts';

/** Model capabilities as one source gives them, by model; not yet validated. */
export type ModelCapabilityLayer = Readonly<Record<string, unknown>>;

/** What `MODEL_CAPABILITIES_FILE` and, over it, `MODEL_CAPABILITIES_JSON` say of models. */
export function readModelCapabilities(environment: Environment, directory: string): { layers: ModelCapabilityLayer[]; problems: ConfigProblem[]; files: string[] } {
  const layers: ModelCapabilityLayer[] = [];
  const problems: ConfigProblem[] = [];
  const files: string[] = [];
  const readFile = (path: string): string => {
    files.push(resolve(directory, path));
    return readFileSync(resolve(directory, path), 'utf8');
  };
  const sources: readonly (readonly [string, (text: string) => string])[] = [
    ['MODEL_CAPABILITIES_FILE', readFile],
    ['MODEL_CAPABILITIES_JSON', (text) => text],
  ];
  for (const [variable, read] of sources) {
    const setting = environment[variable]?.trim();
    if (setting === undefined || setting === '') continue;
    try {
      const layer: unknown = JSON.parse(read(setting));
      if (isFields(layer)) {
        layers.push(layer);
        continue;
      }
    } catch {
      // Reported below; the parser's own message would quote the text.
    }
    problems.push(valueProblem(variable, 'a JSON object of model names and what they accept', 'something else'));
  }
  return { layers, problems, files };
}

/** Lays model capabilities over those of the document, model by model and field by field. */
export function mergeModelCapabilities(document: unknown, layers: readonly ModelCapabilityLayer[]): unknown {
  if (layers.length === 0 || !isFields(document)) return document;
  const frontDoor = document['openai_front_door'] ?? {};
  const below = isFields(frontDoor) ? (frontDoor['model_capabilities'] ?? {}) : undefined;
  if (!isFields(frontDoor) || !isFields(below)) return document;
  let merged = below;
  for (const layer of layers) {
    const entries = Object.entries(layer).map(([model, fields]): [string, unknown] => {
      const known = Object.hasOwn(merged, model) ? merged[model] : {};
      return [model, isFields(known) && isFields(fields) ? { ...known, ...fields } : fields];
    });
    merged = Object.fromEntries([...Object.entries(merged), ...entries]);
  }
  return { ...document, openai_front_door: { ...frontDoor, model_capabilities: merged } };
}
