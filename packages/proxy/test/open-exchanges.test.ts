import { array, assert, constantFrom, property, tuple, nat } from 'fast-check';
import { expect, test } from 'vitest';
import { OpenExchanges, type OpenExchange } from '../src/index.ts';

/** A relay that takes itself out of the list when it is interrupted, as a real one does when it settles. */
function relayIn(relays: OpenExchanges, interrupted: OpenExchange[]): OpenExchange {
  const relay: OpenExchange = { place: 0, handler: { interrupt: () => { interrupted.push(relay); relays.delete(relay); } } };
  return relay;
}

test('interrupts exactly the relays that are under way, whatever came and went before', () => {
  assert(property(array(tuple(constantFrom('add', 'delete'), nat(30)), { maxLength: 100 }), (steps) => {
    const relays = new OpenExchanges();
    const interrupted: OpenExchange[] = [];
    const all = Array.from({ length: 31 }, () => relayIn(relays, interrupted));
    const open = new Set<OpenExchange>();
    for (const [step, index] of steps) {
      const relay = all[index] as OpenExchange;
      if (step === 'add' && !open.has(relay)) { relays.add(relay); open.add(relay); }
      if (step === 'delete') { relays.delete(relay); open.delete(relay); }
    }
    relays.interrupt('the deadline');
    expect(new Set(interrupted)).toEqual(open);
    expect(interrupted.length).toBe(open.size);
    relays.interrupt('again');
    expect(interrupted.length).toBe(open.size);
  }));
});
