/** A person as the identity provider describes it. */
export interface Identity {
  /** The provider's stable name of the person; identifies, unlike the e-mail. */
  readonly subject: string;
  /** Verified by the provider, or accepted unverified by configuration. */
  readonly email?: string;
  readonly name?: string;
  readonly groups: readonly string[];
}

/** Writes an identity for the store. */
export function writeIdentity({ subject, email, name, groups }: Identity): string {
  return JSON.stringify({ subject, email, name, groups });
}

/** Reads an identity from the store. */
export function readIdentity(text: string): Identity {
  const { subject, email, name, groups } = JSON.parse(text) as Identity;
  return { subject, groups, ...(email === undefined ? {} : { email }), ...(name === undefined ? {} : { name }) };
}
