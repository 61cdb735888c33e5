import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../src/config/describe-config.ts';
import { attemptLoad } from './config-folder.ts';

describe('describeConfig', () => {
  it('masks keys, passwords in URLs and private keys, and shortens hashes', () => {
    const loaded = attemptLoad({
      file: {
        clients: [{ name: 'one', key_sha256: 'ABCDEF01'.repeat(8) }],
        limits: { store: 'rediss://user:hush@redis.example.com:6380/2?password=hush' },
        anthropic_native: { proxy: 'http://user:hush@proxy.example.com:3128' },
        openai_front_door: { backends: [{ name: 'local', kind: 'openai', api_key: 'hush', base_url: 'http://127.0.0.1:1/v1' }] },
      },
    });
    const tls = { cert: '-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----', key: '-----BEGIN PRIVATE KEY-----\nB' };
    const config = { ...loaded.config, server: { ...loaded.config.server, tls } };
    const text = JSON.stringify(describeConfig(config));
    expect(text).not.toContain('hush');
    expect(text).not.toContain('BEGIN');
    expect(describeConfig(config)).toMatchObject({
      server: { tls: { cert: '(2 certificates)', key: '********' } },
      clients: [{ name: 'one', key_sha256: 'abcdef01…' }],
      limits: { store: 'rediss://********:********@redis.example.com:6380/2?********' },
      anthropic_native: { api_key: '********', proxy: 'http://********:********@proxy.example.com:3128/' },
    });
  });

  it('shows what the front door will really use', () => {
    expect(describeConfig(attemptLoad({}).config)['openai_front_door']).toMatchObject({
      backends: [{ name: 'anthropic', kind: 'anthropic', base_url: 'https://api.anthropic.com', api_key: '********', version: '2023-06-01' }],
      models: [{ model: 'claude-*', backend: 'anthropic' }],
    });
  });
});
