import { describe, expect, it } from 'vitest';
import { asNode, configJsonSchema, propertiesOf } from '../../src/config/reference/config-json-schema.ts';
import { configReference } from '../../src/config/reference/config-reference.ts';
import { chartValuesSchema } from './chart-values.ts';
import type { JsonSchemaNode } from '../../src/config/reference/config-json-schema.ts';

// They are written anew by running this file with `vitest run test/config --update`.
describe('files generated from the definition of the configuration', () => {
  it('penstock.schema.json is current (editors check files against it)', async () => {
    await expect(`${JSON.stringify(configJsonSchema(), null, 2)}\n`).toMatchFileSnapshot('../../penstock.schema.json');
  });

  it('values.schema.json of the chart is current (helm refuses what the gateway would refuse)', async () => {
    await expect(`${JSON.stringify(chartValuesSchema(), null, 1)}\n`).toMatchFileSnapshot('../../../../deploy/helm/penstock/values.schema.json');
  });

  it('docs/configuration.md is current (a new key cannot stay undocumented)', async () => {
    await expect(configReference()).toMatchFileSnapshot('../../../../docs/configuration.md');
  });

  it('every key has a description (an editor shows it beside the key)', () => {
    const undescribed = (node: JsonSchemaNode, path: string): string[] => propertiesOf(node).flatMap(([name, child]) => [
      ...(child.description === undefined ? [`${path}.${name}`] : []),
      ...undescribed(child, `${path}.${name}`),
      ...undescribed(asNode(child.items) ?? {}, `${path}.${name}[]`),
      ...undescribed(asNode(child.additionalProperties) ?? {}, `${path}.${name}.NAME`),
    ]);
    expect(undescribed(configJsonSchema(), '')).toEqual([]);
  });
});
