const ERROR_FIELD = 'x-amzn-errortype';

/**
 * The errors of AWS that are about the credential or its signature; every other name is about what was asked for, such as a model that the account has no access
 * to. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html and, for names without `Exception`, the common errors of other services.
 */
const CREDENTIAL_ERRORS: ReadonlySet<string> = new Set([
  'ExpiredTokenException', 'UnrecognizedClientException', 'InvalidClientTokenId', 'InvalidSignatureException', 'SignatureDoesNotMatch', 'IncompleteSignature', 'IncompleteSignatureException',
  'MissingAuthenticationToken', 'MissingAuthenticationTokenException',
]);

/** Whether AWS names the credential as what it refuses; `undefined` where it names no error. */
export function refusesAwsCredential(rawHeaders: readonly string[]): boolean | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if ((rawHeaders[index] as string).toLowerCase() === ERROR_FIELD) return CREDENTIAL_ERRORS.has(nameOf(rawHeaders[index + 1] as string));
  }
  return undefined;
}

/** The name without its namespace and the address behind it (https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html, operation error serialization). */
function nameOf(value: string): string {
  const [text = ''] = value.split(':', 1);
  return text.slice(text.lastIndexOf('#') + 1).trim();
}
