import type { Person } from '../../access/identity/principal.ts';
import { storableName, type SeenPerson } from '../ledger-entry.ts';

/**
 * Makes the function that gives what is stored of a person with the first charge of each of its tokens, and `undefined` after that: one more row for each person in the
 * minutes for which a verified token is kept. A person is another object with each token.
 */
export function createPersonNotes(): (person: Person | undefined) => SeenPerson | undefined {
  const noted = new WeakSet<Person>();
  return (person) => {
    if (person === undefined || noted.has(person)) return undefined;
    noted.add(person);
    return { name: person.name === undefined ? undefined : storableName(person.name), groups: person.groups };
  };
}
