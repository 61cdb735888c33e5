export type { CloudCredential, CredentialState, CredentialStatus, RenewalOptions, RequestToSign } from './cloud-credential.ts';
export { CLOUD_CREDENTIAL_ERROR_CODES, CloudCredentialError, isCloudCredentialError, type CloudCredentialErrorCode } from './cloud-credential-error.ts';
export { createBearerCredential } from './token/token-credential.ts';
export { createCommandCredential, type CommandCredentialOptions } from './token/command-credential.ts';
export { createAwsCredential, type AwsCredentialOptions } from './aws/aws-credential.ts';
export type { AwsSource } from './aws/aws-source.ts';
export { SIGNATURE_FIELDS } from './aws/signed-parts.ts';
export { createGoogleCredential, GOOGLE_SCOPE, type GoogleCredentialOptions } from './google/google-credential.ts';
export { createEntraCredential, FOUNDRY_SCOPE, type EntraCredentialOptions } from './entra/entra-credential.ts';
