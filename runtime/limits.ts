/**
 * Every bound of the gateway, by name and with its unit. Nothing in runtime/ queues, buffers, maps or waits without an
 * entry here. A bundle may override those that its schema names; the rest are fixed.
 */
export interface Limits {
  /** Bytes of one request head (request line and all headers); more is answered 431. */
  readonly requestHeadBytesMax: number;
  /** Header lines of one request; more is answered 431. */
  readonly requestHeadersMax: number;
  /** Bytes of the request target; more is answered 414 (Apigee: URL limit 10 KB). */
  readonly requestTargetBytesMax: number;
  /** Requests of one client connection whose answers are under way at once (pipelining); more end the connection. */
  readonly requestsPipelinedMax: number;
  /** Time for a client to send a whole request head. */
  readonly requestHeadTimeoutMs: number;
  /** Time for a client to send a whole request. */
  readonly requestTimeoutMs: number;
  /** Time an idle client connection is kept between requests. */
  readonly keepAliveTimeoutMs: number;
  /** Bytes kept of what a client sends after its upgrade request and before the 101. */
  readonly earlyBytesMax: number;
  /** Subprotocols, or extensions, or parameters of one extension, that one handshake may name. */
  readonly handshakeTokensMax: number;
  /** Trusted hops of a forwarding header that are followed towards the client; further ones are not looked at. */
  readonly forwardedHopsMax: number;
  /** Bytes of a PROXY protocol header of version 2, extensions included (version 1 has 107). */
  readonly proxyHeaderBytesMax: number;
  /** Time for a proxy to send its PROXY protocol header. */
  readonly proxyHeaderTimeoutMs: number;
  /** Handshakes under way at once, for the whole process; more get 503. */
  readonly handshakesMax: number;
  /** Handshakes under way at once from one client address. */
  readonly handshakesPerAddressMax: number;
  /** Client connections open at once, for the whole process. */
  readonly connectionsMax: number;
  /** WebSocket sessions open at once, for the whole process; more get 503. */
  readonly sessionsMax: number;
  /** Bytes of a target's answer head. */
  readonly responseHeadBytesMax: number;
  /** Header lines of a target's answer. */
  readonly responseHeadersMax: number;
  /** Interim (1xx) answers of a target before its final one. */
  readonly interimResponsesMax: number;
  /** Bytes of a target's non-101 answer to an upgrade that are relayed. */
  readonly refusalBodyBytesMax: number;
  /** Proxies that call each other one inside the other, for one request; more is answered 508. */
  readonly proxyCallsMax: number;
  /** Connections of one target server's keep-alive pool, idle ones included; requests beyond get 503. */
  readonly targetConnectionsMax: number;
  /** Idle connections that one target server's pool keeps. */
  readonly targetIdleConnectionsMax: number;
  /** Time a target server that is out of rotation is left alone before one request tries it (Apigee: 5 minutes). */
  readonly targetTrialMs: number;
  /** Time to connect to a target (Apigee: connect.timeout.millis). */
  readonly connectTimeoutMs: number;
  /** Time without a byte from or to a target during a handshake or an HTTP exchange (Apigee: io.timeout.millis). */
  readonly ioTimeoutMs: number;
  /** Bytes written to one peer and not yet taken by it; reading from the other side pauses above this. */
  readonly spliceBufferBytesMax: number;
  /** Time a peer may refuse to take bytes that wait for it. */
  readonly writeStallTimeoutMs: number;
  /** Time the second direction of a session stays open after the first ended. */
  readonly halfCloseTimeoutMs: number;
  /** Time for a session to reach a frame boundary after its end was decided, then it is reset. */
  readonly closeGraceMs: number;
  /** Time after which both sockets of an ended session are gone, whatever the peers do. */
  readonly closeTimeoutMs: number;
  /** Time without a byte in either direction after which a session ends. */
  readonly idleTimeoutMs: number;
  /** TCP keep-alive probes begin after this much silence. */
  readonly tcpKeepAliveMs: number;
  /** Credentials that one session may collect. */
  readonly credentialsPerSessionMax: number;
  /** Revocation events remembered in memory to re-check handshakes that are under way. */
  readonly revocationsRememberedMax: number;
  /** Records (apps, keys, tokens ...) the memory store holds. */
  readonly memoryRecordsMax: number;
  /** Verified credentials cached in front of a store. */
  readonly verifiedCacheMax: number;
  /** Time a verified credential is taken from that cache before the store is asked again. */
  readonly verifiedCacheTtlMs: number;
  /** Time a token is kept after its expiry, so that its owner hears "expired" and not "unknown". */
  readonly expiredTokensKeptMs: number;
  /** Time between looks at a store's events, for those that no wake-up announced. */
  readonly storePollMs: number;
  /** Time to wait for another process that holds the embedded store's write lock. */
  readonly storeBusyMs: number;
  /** Commands to a distributed store whose answers are awaited at once; more fail at once. */
  readonly storeCommandsMax: number;
  /** Sessions that are checked again at once against a distant store; the others wait their turn. */
  readonly recheckedAtOnceMax: number;
  /** Characters of one JWT; longer ones are refused unread. */
  readonly jwtCharsMax: number;
  /** Keys of one JSON Web Key Set; those beyond are not looked at. */
  readonly jwksKeysMax: number;
  /** Bytes of a key set that is fetched; a larger one is not taken. */
  readonly jwksBytesMax: number;
  /** Time for an issuer to answer with its whole key set. */
  readonly jwksFetchTimeoutMs: number;
  /** Time a fetched key set is used without being fetched again; a key that left it verifies nothing after that. */
  readonly jwksFreshMs: number;
  /** Time the last good key set is used while its issuer does not answer; after that tokens are refused with 503. */
  readonly jwksKeptMaxMs: number;
  /** Least time between two fetches of one key set, also when tokens name unknown keys. */
  readonly jwksRetryMs: number;
  /** Verified JWTs remembered by one policy, so that a token seen before costs no signature check. */
  readonly verifiedJwtsMax: number;
  /** Answers of an introspection server that one policy remembers: of active tokens, and as many of others. */
  readonly introspectionsKeptMax: number;
  /** Questions to an introspection server that are under way at once; more tokens are refused with 503. */
  readonly introspectionsAtOnceMax: number;
  /** Bytes of its answer; a larger one is none. */
  readonly introspectionBytesMax: number;
  /** Time for which it is not asked again after it failed. */
  readonly introspectionPauseMs: number;
  /** Age of a security event; older ones are refused, newer ones remembered, so that none counts twice. */
  readonly securityEventAgeMaxMs: number;
  /** Counters of one SpikeArrest policy (one for each identifier). */
  readonly spikeArrestIdentifiersMax: number;
  /** Sessions that one renewal may reach in one process; those beyond stay as they are. */
  readonly renewedAtOnceMax: number;
  /** Former tokens of one session whose revocation still ends it. */
  readonly renewedTokensRememberedMax: number;
  /** Processes whose answers to one renewal are read. */
  readonly renewalAnswersMax: number;
  /** Time for all processes that share the store to answer a renewal; who has not by then is not counted. */
  readonly renewalWaitMs: number;
  /** Time that an answer to a renewal is kept in the store. */
  readonly renewalAnswersKeptMs: number;
  /** Bytes of an access-log backlog that the output has not taken; lines beyond are dropped and counted. */
  readonly logBacklogBytesMax: number;
  /** Connections open at once on the ops and on the admin listener, each. */
  readonly sideConnectionsMax: number;
  /** Time for a client to finish its TLS handshake. */
  readonly tlsHandshakeTimeoutMs: number;
  /** Bytes of one body that a policy looks into; more is 413 for a request, 502 for a target's answer. */
  readonly bodyBytesMax: number;
  /** Bytes of one server-sent event that an EventFlow looks at; a larger one breaks its stream off. */
  readonly eventBytesMax: number;
  /** Bytes of all bodies in memory, for the whole process; exchanges beyond get 503. */
  readonly heldBodiesBytesMax: number;
  /** Characters of what replaceAll makes of one value by a replacement from a variable. */
  readonly replacedCharsMax: number;
  /** Values that one jsonPath with a descent, a slice, a union or a filter looks at; beyond, its result is empty. */
  readonly jsonQueryVisitsMax: number;
  /** Characters of a document that xpath reads; longer ones give an empty result. */
  readonly xmlCharsMax: number;
  /** Tags of such a document, opening and closing ones. */
  readonly xmlTagsMax: number;
  /** How deep its elements nest. */
  readonly xmlDepthMax: number;
  /** Nodes that one xpath looks at; beyond, its result is empty. */
  readonly xpathVisitsMax: number;
  /** Rows of analytics that wait for their file; beyond, they are dropped and counted. */
  readonly analyticsPendingMax: number;
  /** Numbers (a group at a point in time) that one query of analytics collects; others are left out and counted. */
  readonly statsCellsMax: number;
  /** Points in time of one query of analytics. */
  readonly statsPointsMax: number;
  /** Raw rows of one export. */
  readonly statsRowsMax: number;
  /** Roll-ups or raw rows that one query of analytics reads; a wider one is refused. */
  readonly statsReadMax: number;
  /** Spans that wait for a collector; further ones are dropped and counted. */
  readonly spansQueuedMax: number;
  /** Spans of one request to a collector. */
  readonly spanBatchMax: number;
  /** Spans of one exchange; its last steps are left out and counted. */
  readonly spansPerExchangeMax: number;
  /** Time that spans wait for others to be sent with. */
  readonly spanLingerMs: number;
  /** Time for a collector to answer. */
  readonly spanExportTimeoutMs: number;
  /** Longest wait before a collector that failed is asked again. */
  readonly spanRetryMaxMs: number;
  /** Bytes of messages that wait for one syslog receiver; more are dropped and counted. */
  readonly syslogQueueBytesMax: number;
  /** Bytes of one syslog message; it is cut there. */
  readonly syslogMessageBytesMax: number;
  /** First wait before another connection to a syslog receiver is tried; each further one is twice as long. */
  readonly syslogRetryMinMs: number;
  /** Longest such wait. */
  readonly syslogRetryMaxMs: number;
  /** Time for a connection to a syslog receiver to stand, and for messages to leave when the gateway stops. */
  readonly syslogConnectTimeoutMs: number;
  /** Bytes of an admin request's body. */
  readonly adminBodyBytesMax: number;
  /** Rows of one page of an admin list. */
  readonly adminPageMax: number;
  /** Time in which the other replicas of a fleet have to answer. */
  readonly fleetAnswerMs: number;
  /** Questions to the fleet that wait for answers at once. */
  readonly fleetQuestionsMax: number;
  /** Replicas that a question reaches. */
  readonly replicasMax: number;
  /** Debug sessions kept at once, those that are over included. */
  readonly debugSessionsMax: number;
  /** Exchanges that one Debug session records. */
  readonly debugTransactionsMax: number;
  /** The longest time for which a Debug session may be asked to record. */
  readonly debugTimeoutMaxMs: number;
  /** Time after that until it is forgotten with all that it recorded. */
  readonly debugKeptMs: number;
  /** Exchanges that one Debug session has under way at once; others are not recorded. */
  readonly debugUnderWayMax: number;
  /** Exchanges of one second that one Debug session begins to record. */
  readonly debugPerSecondMax: number;
  /** Bytes of one recorded exchange. */
  readonly debugEntryBytesMax: number;
  /** Bytes of all recorded exchanges. */
  readonly debugBytesMax: number;
}

/** What stands when a bundle says nothing. */
export const defaultLimits: Limits = {
  requestHeadBytesMax: 16 * 1024,
  requestHeadersMax: 100,
  requestTargetBytesMax: 10 * 1024,
  requestsPipelinedMax: 100,
  requestHeadTimeoutMs: 10_000,
  requestTimeoutMs: 300_000,
  keepAliveTimeoutMs: 65_000,
  earlyBytesMax: 16 * 1024,
  handshakeTokensMax: 64,
  forwardedHopsMax: 32,
  proxyHeaderBytesMax: 2_048,
  proxyHeaderTimeoutMs: 5_000,
  handshakesMax: 10_000,
  handshakesPerAddressMax: 1_000,
  connectionsMax: 100_000,
  sessionsMax: 100_000,
  responseHeadBytesMax: 16 * 1024,
  responseHeadersMax: 100,
  interimResponsesMax: 8,
  refusalBodyBytesMax: 1024 * 1024,
  proxyCallsMax: 8,
  targetConnectionsMax: 10_000,
  targetIdleConnectionsMax: 256,
  targetTrialMs: 300_000,
  connectTimeoutMs: 3_000,
  ioTimeoutMs: 55_000,
  spliceBufferBytesMax: 64 * 1024,
  writeStallTimeoutMs: 60_000,
  halfCloseTimeoutMs: 30_000,
  closeGraceMs: 1_000,
  closeTimeoutMs: 5_000,
  idleTimeoutMs: 600_000,
  tcpKeepAliveMs: 60_000,
  credentialsPerSessionMax: 8,
  revocationsRememberedMax: 4_096,
  memoryRecordsMax: 1_000_000,
  verifiedCacheMax: 10_000,
  verifiedCacheTtlMs: 180_000,
  expiredTokensKeptMs: 3_600_000,
  storePollMs: 250,
  storeBusyMs: 2_000,
  storeCommandsMax: 20_000,
  recheckedAtOnceMax: 64,
  jwtCharsMax: 16 * 1024,
  jwksKeysMax: 100,
  jwksBytesMax: 256 * 1024,
  jwksFetchTimeoutMs: 5_000,
  jwksFreshMs: 300_000,
  jwksKeptMaxMs: 86_400_000,
  jwksRetryMs: 10_000,
  verifiedJwtsMax: 10_000,
  introspectionsKeptMax: 10_000,
  introspectionsAtOnceMax: 256,
  introspectionBytesMax: 64 * 1024,
  introspectionPauseMs: 1_000,
  securityEventAgeMaxMs: 7 * 86_400_000,
  spikeArrestIdentifiersMax: 10_000,
  renewedAtOnceMax: 1_000,
  renewedTokensRememberedMax: 8,
  renewalAnswersMax: 256,
  renewalWaitMs: 500,
  renewalAnswersKeptMs: 30_000,
  logBacklogBytesMax: 4 * 1024 * 1024,
  sideConnectionsMax: 256,
  tlsHandshakeTimeoutMs: 10_000,
  bodyBytesMax: 10 * 1024 * 1024,
  eventBytesMax: 1024 * 1024,
  heldBodiesBytesMax: 256 * 1024 * 1024,
  replacedCharsMax: 1024 * 1024,
  jsonQueryVisitsMax: 1_000_000,
  xmlCharsMax: 256 * 1024,
  xmlTagsMax: 20_000,
  xmlDepthMax: 100,
  xpathVisitsMax: 500_000,
  analyticsPendingMax: 20_000,
  statsCellsMax: 50_000,
  statsPointsMax: 1_500,
  statsRowsMax: 1_000_000,
  statsReadMax: 500_000,
  spansQueuedMax: 4_096,
  spanBatchMax: 512,
  spansPerExchangeMax: 128,
  spanLingerMs: 1_000,
  spanExportTimeoutMs: 5_000,
  spanRetryMaxMs: 60_000,
  syslogQueueBytesMax: 1024 * 1024,
  syslogMessageBytesMax: 8 * 1024,
  syslogRetryMinMs: 250,
  syslogRetryMaxMs: 30_000,
  syslogConnectTimeoutMs: 5_000,
  adminBodyBytesMax: 64 * 1024,
  adminPageMax: 1_000,
  fleetAnswerMs: 1_000,
  fleetQuestionsMax: 8,
  replicasMax: 200,
  debugSessionsMax: 20,
  debugTransactionsMax: 100,
  debugTimeoutMaxMs: 600_000,
  debugKeptMs: 3_600_000,
  debugUnderWayMax: 64,
  debugPerSecondMax: 200,
  debugEntryBytesMax: 256 * 1024,
  debugBytesMax: 16 * 1024 * 1024,
};
