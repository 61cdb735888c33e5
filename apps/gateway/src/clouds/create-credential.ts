import { createAwsCredential, createBearerCredential, createCommandCredential, createGoogleCredential, type CloudCredential } from '@penstock/cloud-credentials';
import type { ConfiguredCloud } from '../config/configured-clouds.ts';
import { tokenNetwork } from '../config/token-network.ts';

/** The service in the scope of signatures for Bedrock's runtime. */
const BEDROCK_SERVICE = 'bedrock';

/** Makes a cloud's credential out of its one member; without a member, the standard chain of that cloud. `onReplaced` is called when another one is in force. */
export function createCredential({ name, config, region }: ConfiguredCloud, onReplaced: () => void): CloudCredential {
  const { credential: { bearer, bearer_command: command, aws, google } } = config;
  if (bearer !== undefined) return createBearerCredential(bearer);
  if (command !== undefined) return createCommandCredential({ command, onReplaced });
  const network = tokenNetwork(config);
  if (name === 'vertex') return createGoogleCredential({ credentialsFile: google?.credentials_file, network, onReplaced });
  const { profile, role_arn: roleArn, external_id: externalId, access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = aws ?? {};
  return createAwsCredential({ region, service: BEDROCK_SERVICE, source: { profile, roleArn, externalId, accessKeyId, secretAccessKey, sessionToken }, network, onReplaced });
}
