/** Who does it. `host` is the machine that the gateway runs on. */
export const PARTIES = ['client', 'upstream', 'network', 'redis', 'config', 'signals', 'host'] as const;
/** The phases of a request on the native path, in order. */
export const PHASES = ['admit', 'authenticate', 'route', 'limit', 'receive', 'acquire', 'send', 'relay', 'settle'] as const;
/** What happens. For signals: SIGKILL, SIGTERM, SIGSTOP, SIGHUP again and again, an unexpected signal, a storm, twice, in the wrong order. */
export const FAULTS = [
  'reset', 'fin', 'stall', 'drip', 'garbage', 'huge', 'duplicate', 'out_of_order', 'clock_jump', 'enospc', 'emfile', 'dns', 'tls',
] as const;

/** One of `PARTIES`. */
export type Party = (typeof PARTIES)[number];
/** One of `PHASES`. */
export type Phase = (typeof PHASES)[number];
/** One of `FAULTS`. */
export type Fault = (typeof FAULTS)[number];
/** A cell of the matrix. */
export type CellName = `${Party}/${Phase}/${Fault}`;

/** Every cell of the matrix. */
export const CELLS: readonly CellName[] = PARTIES.flatMap((party) => PHASES.flatMap((phase) => FAULTS.map((fault): CellName => `${party}/${phase}/${fault}`)));

interface Rule {
  readonly party?: readonly Party[];
  readonly phase?: readonly Phase[];
  readonly fault?: readonly Fault[];
  readonly reason: string;
}

const OF_THE_HOST: readonly Fault[] = ['clock_jump', 'enospc', 'emfile'];
const SYNCHRONOUS: readonly Phase[] = ['authenticate', 'route'];
const BEFORE_UPSTREAM: readonly Phase[] = ['admit', 'authenticate', 'route', 'limit'];
const allBut = <Value>(all: readonly Value[], ...some: readonly Value[]): Value[] => all.filter((value) => !some.includes(value));

/** Why a cell cannot happen, or where else it is; the first rule that fits decides. */
const RULES: readonly Rule[] = [
  { party: allBut(PARTIES, 'host'), fault: OF_THE_HOST, reason: 'happens to the machine, independent of the party: see the host cells' },
  { party: ['host'], fault: allBut(FAULTS, ...OF_THE_HOST), reason: 'is done by a peer, never by the machine' },
  // host
  { party: ['host'], fault: ['enospc'], phase: allBut(PHASES, 'authenticate', 'settle'), reason: 'nothing is written to the log in this phase' },
  { party: ['host'], fault: ['emfile'], phase: allBut(PHASES, 'admit', 'acquire'), reason: 'no descriptor is opened in this phase' },
  { party: ['host'], fault: ['clock_jump'], phase: SYNCHRONOUS, reason: 'runs to its end without a turn of the event loop' },
  // names and certificates
  { fault: ['dns'], party: allBut(PARTIES, 'network', 'redis'), reason: 'a name is looked up only to connect: see network and redis' },
  { fault: ['dns'], party: ['network'], phase: allBut(PHASES, 'acquire'), reason: 'the name is looked up in phase acquire' },
  { fault: ['tls'], party: ['client'], phase: allBut(PHASES, 'admit'), reason: 'the inbound handshake is over before phase admit ends' },
  { fault: ['tls'], party: ['upstream'], phase: allBut(PHASES, 'acquire'), reason: 'the outbound handshake is part of phase acquire' },
  { fault: ['tls'], party: ['config', 'signals'], reason: 'has no connection of its own' },
  // client
  { party: ['client'], phase: SYNCHRONOUS, fault: allBut(FAULTS, 'garbage', 'huge', 'duplicate', 'out_of_order'), reason: 'runs to its end on a whole head without a turn of the event loop' },
  { party: ['client'], phase: ['authenticate'], fault: ['out_of_order'], reason: 'fields have no order that means anything' },
  { party: ['client'], phase: ['limit'], fault: allBut(FAULTS, 'duplicate', 'huge', 'reset'), reason: 'nothing is read from the client in this phase; what it sends waits for phase receive' },
  { party: ['client'], phase: ['acquire'], fault: ['drip', 'huge', 'out_of_order'], reason: 'the body is whole, or is read in phase send' },
  { party: ['client'], phase: ['relay'], fault: ['huge'], reason: 'the request has been sent' },
  { party: ['client'], phase: ['settle'], fault: allBut(FAULTS, 'reset', 'fin', 'garbage', 'duplicate'), reason: 'the response has ended; what comes now belongs to the next request' },
  // upstream
  { party: ['upstream', 'network'], phase: BEFORE_UPSTREAM, reason: 'nothing before phase acquire talks to the upstream; between client and gateway the network looks like the client' },
  { party: ['upstream'], phase: ['receive'], fault: allBut(FAULTS, 'reset', 'fin', 'garbage', 'duplicate'), reason: 'the upstream has only idle connections in this phase' },
  { party: ['upstream'], phase: ['acquire'], fault: ['huge', 'duplicate', 'out_of_order'], reason: 'a connection or a handshake is made once and has no length' },
  { party: ['upstream'], phase: ['settle'], fault: allBut(FAULTS, 'reset', 'fin', 'garbage', 'duplicate'), reason: 'the response has ended; only the idle connection is left' },
  // network
  { party: ['network'], fault: ['duplicate', 'out_of_order', 'huge'], reason: 'TCP delivers once and in order; lengths are the peers\' own' },
  { party: ['network'], phase: ['receive', 'settle'], reason: 'only idle upstream connections: see the upstream cells' },
  { party: ['network'], phase: ['acquire', 'send'], fault: ['tls'], reason: 'a damaged handshake is the upstream\'s cell; damaged records are seen in phase relay' },
  // redis
  { party: ['redis'], phase: allBut(PHASES, 'limit', 'settle'), reason: 'the store is asked in phases limit and settle only' },
  { party: ['redis'], phase: ['settle'], fault: ['dns', 'tls'], reason: 'a failure to connect is seen in phase limit' },
  // config
  { party: ['config'], phase: [...SYNCHRONOUS, 'limit', 'settle'], reason: 'runs without a turn of the event loop, in which a reload could fall' },
  { party: ['config'], fault: ['stall', 'drip'], reason: 'the file is read whole by one call' },
  // signals
  { party: ['signals'], phase: [...SYNCHRONOUS, 'limit', 'settle'], reason: 'runs without a turn of the event loop, in which a signal could be taken' },
];

/** Why a cell cannot happen; `undefined` when it can, and then there is a scenario for it. */
export function whyImpossible(cell: CellName): string | undefined {
  const [party, phase, fault] = cell.split('/') as [Party, Phase, Fault];
  return RULES.find((rule) =>
    rule.party?.includes(party) !== false && rule.phase?.includes(phase) !== false && rule.fault?.includes(fault) !== false)?.reason;
}
