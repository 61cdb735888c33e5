export { fieldValues, parseMessage, statusOf, type MessageContext, type RawHeaders, type WireMessage } from './http-message.ts';
export { openAttentiveConnection, openRawConnection, sendRawRequest, wrapSocket, type ConnectionEnd, type RawConnection } from './raw-connection.ts';
export {
  answerAlways, startScriptedUpstream, wholeResponse,
  type ConnectionScript, type ScriptedConnection, type ScriptedUpstream,
} from './scripted-upstream.ts';
export { readEvents, type ReadEvent, type ReadEvents } from './event-reader.ts';
export { loadRecordings, recordingsFolder, type Recording, type RecordingMeta } from './recordings.ts';
export { scrubbedEnvironment } from './scrubbed-environment.ts';
export { createAuthority, type Authority, type Certificate, type IssueOptions } from './certificates.ts';
export { COSTLY_STREAMS, COSTLY_VALUES, cutTo, inChunksOf, joinBytes, lengthOf, repeatBytes, type CostlyText, type RepeatedBytes } from './bounds/costly-bodies.ts';
export { beginTurnReport, turnProbeOption, type TurnReport } from './bounds/turn-report.ts';
export { BOUNDED_CELLS, type BoundedCell, type BoundedSide } from './bounds/bounded-cell.ts';
export { createBoundedRig, type BoundedOutcome, type BoundedRig } from './bounds/bounded-rig.ts';
export { measureGrowth, type GrowthOptions } from './growth.ts';
export { startConnectProxy, type ConnectProxy } from './connect-proxy.ts';
export { startPostgres, WHY_NO_POSTGRES, type PostgresServer } from './postgres-server.ts';
export { freePort } from './free-port.ts';
export { createPageBrowser, type BrowsedPage, type PageBrowser } from './page-browser.ts';
export { createSigningKey, PROVIDER_CLIENT_ID, PROVIDER_CLIENT_SECRET, startOpenIdProvider, type OpenIdProvider, type ProviderAccount } from './openid-provider.ts';
export { notifying, readInhibitions, type AlertLabels, type InhibitionRule } from './inhibitions.ts';
export { startCloudStub, type CloudStub, type CloudStubOptions, type StubRequest } from './clouds/cloud-stub.ts';
export { verifySignature, type SignedRequest, type SigningKey } from './clouds/verify-signature.ts';
