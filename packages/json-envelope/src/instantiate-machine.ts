import { Buffer } from 'node:buffer';
import { MACHINE_BASE64 } from './machine-bytes.ts';

// Node has WebAssembly everywhere; its types have it only together with a browser's.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: MachineExports };
};

/** What the module in `machine/` exports. */
interface MachineExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Scans the bytes between two addresses; tells what stopped it. */
  readonly scan: (from: number, end: number) => number;
}

/** Makes the machine ready to run; `undefined` where this engine has no WebAssembly, or lacks the module's vector instructions. */
export function instantiateMachine(): MachineExports | undefined {
  try {
    const machine = new WebAssembly.Module(Buffer.from(MACHINE_BASE64, 'base64'));
    return new WebAssembly.Instance(machine).exports;
  } catch {
    return undefined;
  }
}
