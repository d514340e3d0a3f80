/** Caps that no setting changes, each with its reason. Caps an operator may change live in `config/schema.ts`. */

/** Longest upstream response head, bytes. Node's own default is 16 KiB; browsers take 256 KiB. */
export const RESPONSE_HEAD_BYTES_MAX = 65_536;

/** Most fields in an upstream response head: more is garbage or an attack on the next parser. */
export const RESPONSE_FIELDS_MAX = 200;

/** Most names in the `Connection` fields of an answer: each costs a look at every field. Honest ones name 0 to 3. */
export const CONNECTION_OPTIONS_MAX = 32;

/** Most 1xx heads before a final one. RFC 9110 sets none; an upstream in a loop must not hold us for ever. */
export const INTERIM_RESPONSES_MAX = 16;

/** Longest body of an upstream's refusal of a WebSocket, bytes: it is held whole. Problem documents are far shorter. */
export const REFUSED_HANDSHAKE_BODY_BYTES_MAX = 65_536;

/** Longest wait for that body, milliseconds. */
export const REFUSED_HANDSHAKE_BODY_MS = 5_000;

/** Most pings of a WebSocket client that its upstream may leave unanswered for a second; `ws` cuts at over 60. */
export const WEBSOCKET_PINGS_MAX = 50;

/** A WebSocket that is being closed is cut when its client takes nothing for so long of what waits, milliseconds. */
export const WEBSOCKET_CLOSE_STALL_MS = 5_000;

/** And when it has not taken all of it after so long: slow lines need some of that, a trickle has no more. */
export const WEBSOCKET_CLOSE_MS = 60_000;

/** Longest chunk-size line of an upstream, bytes, extensions included: llhttp's order of magnitude. */
export const CHUNK_LINE_BYTES_MAX = 4_096;

/** Bytes of chunk framing beyond a fair share of the data they frame, per answer: small chunks with long extensions. */
export const CHUNK_OVERHEAD_BYTES_MAX = 16_384;

/** Longest trailer section of an upstream, bytes. Trailers are checked and dropped. */
export const TRAILER_BYTES_MAX = 16_384;

/**
 * Bytes shared by all reads of a thread from its upstreams: one buffer, handed out and taken back within one tick.
 * 256 KiB halves the cost of a large download against 64 KiB.
 */
export const READ_BUFFER_BYTES = 262_144;

/** Bytes waiting for an upstream before its client is paused. */
export const UPLOAD_HIGH_WATER_BYTES = 131_072;

/** Names remembered with their class per thread: honest traffic has some hundred; a stranger may not grow it. */
export const FIELD_NAMES_REMEMBERED_MAX = 1_024;

/** Routes with counters of their own; further ones share the last row. 384 bytes per route and thread. */
export const ROUTES_METERED_MAX = 4_096;

/** Policies with counters of their own; further ones share the last row. */
export const POLICIES_METERED_MAX = 255;

/** Upstream targets with a health slot in one process. */
export const TARGETS_MAX = 1_024;

/** Threads of one process: stripes are sized for it. */
export const THREADS_MAX = 128;

/** Fields of one proxied address list that are looked at, right to left. */
export const FORWARDED_HOPS_MAX = 32;

/** Bytes of log lines a thread may have under way to the main thread before lines are dropped and counted. */
export const LOG_BYTES_IN_FLIGHT_MAX = 4_194_304;

/**
 * Bytes of log lines gathered in a thread before they are posted at once. A post wakes the main thread: batches of
 * 32 KiB made logging cost 10 us a request under load, batches of this size 6 us.
 */
export const LOG_BATCH_BYTES = 262_144;

/** Bytes of log lines the main thread may hold for a slow standard output before whole batches are dropped. */
export const LOG_WRITER_BYTES_MAX = 16_777_216;

/** Addresses remembered per thread: peers' texts, trust, lists walked. A power of two; a stranger may not grow it. */
export const ADDRESS_MEMO_SLOTS = 1_024;

/** Host names remembered per thread, with what the router found for each. A stranger may not grow it. */
export const HOSTS_REMEMBERED_MAX = 1_024;

/** Segments of one route's path: each may cost the router one step back. */
export const ROUTE_SEGMENTS_MAX = 64;

/** Longest certificate or key file, bytes. A chain has some ten kilobytes; the files are read on the main thread. */
export const TLS_FILE_BYTES_MAX = 1_048_576;

/** Server names over all certificates. Each costs every ingress thread a TLS context, about 20 KiB, per rotation. */
export const TLS_NAMES_MAX = 1_000;

/** Replaced TLS listeners whose connections may live on, per thread; past it the oldest one's are cut. */
export const TLS_GENERATIONS_MAX = 64;

/**
 * Longest time, milliseconds, and most bytes of an upload that are still read and dropped once a streamed answer is
 * complete: a client that looks at the answer only after it has sent all finds it there, one without end is shut out.
 * nginx reads on for 30 s (lingering_time), without a bound on bytes.
 */
export const LINGER_MS = 5_000;
export const LINGER_BYTES_MAX = 16_777_216;

/** A client that sends nothing for so long after a complete answer waits for its end, milliseconds. */
export const LINGER_QUIET_MS = 1_000;

/** Throttles in one process; one with `perRoute` counts once for each route. */
export const THROTTLE_ROWS_MAX = 1_024;

/** Routes and upstreams with a bound on concurrency in one process. 700 bytes each per thread where it is adaptive. */
export const CONCURRENCY_ROWS_MAX = 1_024;

/** Longest value of a field about the caller, characters: upstreams take heads of 8 KiB and more. */
export const IDENTITY_FIELD_CHARACTERS_MAX = 4_096;

/** Memory of tokens that were good, per thread: 16,384 of the usual kilobyte, with their claims, are some 50 MiB. */
export const REMEMBERED_TOKENS_BYTES_MAX = 67_108_864;

/** Longest `kid`, characters: it is a name in maps, and unknown ones are remembered. Thumbprints have 43. */
export const KEY_ID_LENGTH_MAX = 256;

/** RSA keys that signatures are verified with, bits. NIST SP 800-131A forbids shorter, and longer cost milliseconds. */
export const RSA_BITS_MIN = 2_048;
export const RSA_BITS_MAX = 8_192;

/** Longest secret of an issuer, bytes. One beyond the block of its hash (64 or 128 bytes) is hashed first anyway. */
export const SECRET_BYTES_MAX = 4_096;

/** Nesting of a token's header and claims. Honest ones have 2 to 5; deep ones aim at what walks them. */
export const TOKEN_DEPTH_MAX = 32;

/** Longest `typ` of a token, characters. Media types have some twenty. */
export const TOKEN_TYPE_LENGTH_MAX = 128;

/**
 * Headers of good tokens that a thread knows by heart, and the longest, characters: an issuer has one for each of its
 * keys, of some hundred characters. All are compared with each new token.
 */
export const KNOWN_HEADERS_MAX = 16;
export const KNOWN_HEADER_LENGTH_MAX = 2_048;

/** Texts of scopes that a thread has split before, and the longest, characters. */
export const KNOWN_SCOPES_MAX = 256;
export const KNOWN_SCOPES_LENGTH_MAX = 512;

/** Keys tried on one token that names none, or a name that several have: each try costs a verification. */
export const KEYS_TRIED_MAX = 8;

/**
 * Slow verifications that a thread has under way. All threads share the four of libuv's pool, with files and names: at
 * a millisecond each these are 16 ms of work, and past it a token is answered 503.
 */
export const SLOW_VERIFICATIONS_MAX = 64;

/** Outcomes of slow verifications that a thread keeps, 200 bytes each: a wrong token costs once, not at each try. */
export const SLOW_OUTCOMES_MAX = 1_024;

/** Longest discovery document or key set, bytes. A key with its certificates has some four kilobytes. */
export const ISSUER_ANSWER_BYTES_MAX = 1_048_576;

/** Keys of one issuer that are used: each costs some kilobytes in every thread. Honest issuers have 1 to 10. */
export const ISSUER_KEYS_MAX = 100;

/** Keys of one set that are looked at, 20 to 100 us each on the main thread. */
export const ISSUER_KEYS_SEEN_MAX = 1_000;

/** Files of keys of one issuer, bytes each. */
export const KEY_FILE_BYTES_MAX = 1_048_576;

/**
 * Names of unknown keys that requests of a thread may wait for at once, per issuer. A rotation brings one or two; who
 * makes up names gets 401 past it, instead of holding requests until the provider has answered.
 */
export const KEY_IDS_AWAITED_MAX = 16;

/** Names of keys asked for in vain that a thread remembers, per issuer; the oldest goes first. */
export const KEY_IDS_IN_VAIN_MAX = 256;

/**
 * Requests of a thread that may wait for keys of one issuer; further ones are answered 503. Half of what may wait for
 * anything by default (`authentication.waitingMax`), so that made-up names leave room for the rest.
 */
export const KEY_WAITERS_MAX = 512;

/** Longest cookie that a login sets, name and value, bytes: browsers drop those above 4,096, attributes included. */
export const LOGIN_COOKIE_BYTES_MAX = 4_000;

/** Logins of one browser under way at once, as many tabs: each has a cookie, and a request's head takes 16 KiB. */
export const LOGINS_UNDER_WAY_MAX = 5;

/** Longest path that a login returns to, characters: it travels in such a cookie. A longer one returns to `/`. */
export const RETURN_PATH_LENGTH_MAX = 1_024;

/** How long people may take at the provider, seconds. */
export const LOGIN_UNDER_WAY_SECONDS = 600;

/** After a login that should have been a stronger one and was not, the next is tried so long later, seconds. */
export const STEP_UP_AGAIN_SECONDS = 60;

/** Sessions that a thread remembers as read, per login: 10 KiB each at most. */
export const REMEMBERED_SESSIONS_MAX = 2_048;

/** Longest answer of an OpenID provider, bytes. Metadata and key sets have some ten thousand. */
export const PROVIDER_ANSWER_BYTES_MAX = 1_048_576;

/** Metadata of an OpenID provider are used so long, and after a failure asked for again so soon, milliseconds. */
export const PROVIDER_METADATA_MS = 3_600_000;
export const PROVIDER_AGAIN_MS = 2_000;

/** API keys whose text a thread remembers, so that one that comes again costs no hash. Some 250 bytes each. */
export const KEYS_REMEMBERED_MAX = 16_384;
/** Longest DPoP proof, bytes: one with an RSA key of 4,096 bits and its signature has some 1,700. */
export const DPOP_PROOF_BYTES_MAX = 8_192;

/** Longest `jti` of a proof, characters: RFC 9449 4.2 asks for 96 bits, a UUID has 36. */
export const DPOP_ID_LENGTH_MAX = 256;

/** Longest `htu` of a proof, characters: longer targets are refused before. */
export const DPOP_URL_LENGTH_MAX = 8_192;

/** Keys of recent proofs per thread: making one anew takes some 50 us, keeping one some 2 KB. */
export const DPOP_KEYS_REMEMBERED_MAX = 1_024;
/** Longest token that a server is asked about, characters: what issuers' tokens may have by default. */
export const INTROSPECTED_TOKEN_CHARACTERS_MAX = 8_192;

/** Longest answer about a token, bytes. Honest ones have some hundred, with long lists of roles some thousand. */
export const INTROSPECTION_ANSWER_BYTES_MAX = 65_536;

/** Questions of a thread to one server that wait for a connection: 8 MiB of the longest tokens. */
export const INTROSPECTION_QUEUE_MAX = 1_024;

/**
 * Requests of a thread that wait for one server, those whose clients have gone among them: they are let go of when the
 * exchange ends. Honest ones are bounded by `authentication.waitingMax`.
 */
export const INTROSPECTION_WAITERS_MAX = 16_384;

/** Memory for answers of one server, per thread: 8,192 of the usual half kilobyte are some 25 MiB. */
export const INTROSPECTED_BYTES_MAX = 67_108_864;

/** Longest file of a rule set, bytes: the longest of CRS has 120 KB, lists of words and addresses some megabytes. */
export const RULE_FILE_BYTES_MAX = 16_777_216;

/** Files that one rule set may include, and bytes of them: each is read on the main thread and sent to all others. */
export const RULE_FILES_MAX = 1_000;
export const RULE_SET_BYTES_MAX = 67_108_864;

/** Includes within includes. Honest ones nest 2 or 3 deep. */
export const RULE_INCLUDE_DEPTH_MAX = 16;

/** Faults of a rule set that are told at once: a wrong file has one on every line, and nobody reads further. */
export const RULE_PROBLEMS_MAX = 100;

/** Largest id of a rule: what ModSecurity 2 and log readers keep in 32 bits, signed. */
export const RULE_ID_MAX = 2_147_483_647;

/**
 * Names of a JSON body's values are as long as the way to them, so a long name above many values makes more text than
 * was sent. All of them together may have so many bytes, and so many more per byte of the body.
 */
export const JSON_NAME_BYTES_LEAST = 262_144;
export const JSON_NAME_BYTES_PER_BYTE = 8;

/** Most header lines in one part of multipart/form-data: RFC 7578 knows three, and tells readers to ignore others. */
export const PART_HEADERS_MAX = 16;

/**
 * What a body may inflate to, as a multiple of its length, from so many bytes on. JSON lists shrink to a twentieth,
 * rarely to a fiftieth; zeros to a thousandth.
 */
export const INFLATION_RATIO_MAX = 128;
export const INFLATED_BYTES_LEAST = 65_536;

/** Collections that rules keep over requests (`initcol`), over all threads, and room for what they hold, bytes. */
export const WAF_COLLECTIONS_MAX = 32_768;
export const WAF_COLLECTION_BYTES_MAX = 4_194_304;

/**
 * Names and values that rules may write for one request (`setvar:tx.`, `setenv`), bytes: CRS writes some kilobytes, and
 * copies of what matched. A rule that doubles a value for each of a thousand arguments must end somewhere.
 */
export const WRITTEN_BYTES_MAX = 67_108_864;

/** Text of one match that is kept for logs, bytes: message, data, value before and after transformations, each. */
export const MATCH_TEXT_BYTES_MAX = 4_096;

/**
 * V8 hashes strings longer than 16,383 by their length alone. Of those a request has few, and so many of one length are
 * recognised when they come again.
 */
export const LONG_VALUE_BYTES = 16_383;
export const LONG_VALUES_PER_LENGTH_MAX = 8;

/**
 * A Core Rule Set that is installed: bytes of its archive, bytes and files unpacked. Rules and data of release 4 have a
 * megabyte, its tests several more; a bomb must not fill memory.
 */
export const CRS_ARCHIVE_BYTES_MAX = 33_554_432;
export const CRS_UNPACKED_BYTES_MAX = 134_217_728;
export const CRS_FILES_MAX = 20_000;

/** Longest download of one, longest silence in it, milliseconds; most redirects on the way: GitHub has one or two. */
export const CRS_DOWNLOAD_MS = 300_000;
export const CRS_DOWNLOAD_IDLE_MS = 20_000;
export const CRS_REDIRECTS_MAX = 5;

/** Longest line of a recording that tools read: a record with a body of 64 KiB, each byte escaped, has some 400 KB. */
export const RECORD_LINE_BYTES_MAX = 16_777_216;

/** Longest HTTP archive that tools read: it is one text, and whole in memory. */
export const ARCHIVE_BYTES_MAX = 268_435_456;

/**
 * Files of virtual patches, and bytes of them with the data that they name. Threads compile them between requests: some
 * 10 ms for so much.
 */
export const WAF_PATCH_FILES_MAX = 256;
export const WAF_PATCH_BYTES_MAX = 1_048_576;
