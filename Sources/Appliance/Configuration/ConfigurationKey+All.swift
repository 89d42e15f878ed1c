extension ConfigurationKey {
    /// Every key there is: what the file, the environment, `config show` and the reference go by.
    package static let all: [ConfigurationKey] =
        database + source + sources + notify + horizon + kafka + kafkaSecurity + worker + consumers + audit + jobs
        + admin + log

    /// The keys of a consumer that `worker` has too, as its default.
    static let inherited: Set<String> = [
        "total_segments", "batch_size",
    ]

    static let database: [ConfigurationKey] = [
        .init(
            "database.url", .secret, required: true,
            "Where PostgreSQL is: `postgres://user@host:5432/database?sslmode=verify-full` or libpq's keywords."),
        .init("database.password", .secret, "The password, when the URL has none."),
        .init(
            "database.password_command", .list,
            "A program and its arguments, run without a shell for each new connection; the first line that it prints is "
                + "the password, for example a token that expires."),
        .init(
            "database.password_command_timeout", .duration(.milliseconds(100)...(.seconds(600))), default: "10s",
            "How long that program may run; then it is killed with its process group."),
        .init("database.schema", .identifier, default: "public", "The schema of the four tables below."),
        .init("database.godwit_schema", .identifier, default: "godwit", "The schema of Godwit's own tables."),
        .init("database.tables.events", .text, default: "events", "The table of events, or `schema.table`."),
        .init(
            "database.tables.aggregate_heads", .text, default: "aggregate_heads",
            "The table with each aggregate's version."),
        .init(
            "database.tables.consumer_segments", .text, default: "consumer_segments",
            "The table with each consumer's checkpoints."),
        .init(
            "database.tables.consumer_workers", .text, default: "consumer_workers",
            "The table of live workers."),
        .init(
            "database.connect_timeout", .duration(.milliseconds(100)...(.seconds(600))), default: "10s",
            "How long an attempt to connect may take."),
        .init(
            "database.statement_timeout", .duration(.zero...(.seconds(86_400))), default: "60s",
            "How long the server may work on a statement; `0s` sets no bound."),
        .init(
            "database.lock_timeout", .duration(.zero...(.seconds(86_400))), default: "10s",
            "How long a statement may wait for a lock; `0s` sets no bound."),
    ]

    private static let notify: [ConfigurationKey] = [
        .init(
            "notify.mode", .choice(["auto", "adaptive", "always", "never"]), default: "auto",
            "`auto`: `adaptive` while the trigger of `godwit migrate` is there and no transaction can be prepared, else "
                + "`never`; `adaptive`: appends notify while a relay is idle and asks for it; `always`: all do; `never`: "
                + "the relay polls."),
        .init(
            "notify.channel", .identifier, default: "pupsourcing_events", "The channel of LISTEN and NOTIFY."),
        .init(
            "notify.fallback_interval", .duration(.milliseconds(10)...(.seconds(3600))), default: "30s",
            "Unless `never`: after how long without a notification the relay looks all the same."),
        .init(
            "notify.reconnect_interval", .duration(.milliseconds(10)...(.seconds(3600))), default: "5s",
            "How long to wait before the connection that listens is made anew, at first."),
        .init(
            "notify.max_reconnect_interval", .duration(.milliseconds(10)...(.seconds(3600))), default: "60s",
            "The longest such wait."),
    ]

    private static let horizon: [ConfigurationKey] = [
        .init(
            "horizon.end_idle_writers_after", .duration(.seconds(1)...(.seconds(86_400))),
            "Not given, a transaction that holds events back is only named. Given, its session is ended once it has been idle "
                + "in the transaction for so long; what it has written is rolled back. Active and prepared transactions are "
                + "never ended. Needs `pg_signal_backend` and `pg_read_all_stats`.")
    ]

    private static let kafka: [ConfigurationKey] = [
        .init(
            "kafka.bootstrap_servers", .text, required: true,
            "Some brokers to begin with: `host:port`, several separated by commas."),
        .init(
            "kafka.properties", .properties,
            "Any librdkafka property that breaks no promise. `NAME_file` takes a value from a file."),
        .init(
            "kafka.max_record_bytes", .integer(1_000...1_000_000_000),
            "The largest record, compression not counted; not given, as each topic's `max.message.bytes` says."),
        .init(
            "kafka.transactional_id_prefix", .text, default: "godwit",
            "What the transactional ids of exactly-once delivery begin with: `PREFIX-CONSUMER-…`; rights are granted by it."
        ),
        .init(
            "kafka.transaction_timeout", .duration(.seconds(5)...(.seconds(900))), default: "30s",
            "After how long brokers abort a transaction that nobody has ended; no more than their "
                + "`transaction.max.timeout.ms`."),
        .init(
            "kafka.topics.create", .boolean, default: "false",
            "Whether a topic that does not exist is created; else its absence is reported."),
        .init(
            "kafka.topics.partitions", .integer(1...100_000), default: "6", "How many partitions a created topic gets."),
        .init(
            "kafka.topics.replication_factor", .integer(1...100),
            "How many replicas a created topic gets; not given, as the cluster says."),
        .init(
            "kafka.topics.settings", .properties,
            "Settings of created topics: `{ retention.ms: 604800000, min.insync.replicas: 2 }`. Topics that exist keep "
                + "theirs; `doctor` shows where they differ. Topics of dead letters are never compacted."),
    ]

    private static let worker: [ConfigurationKey] = [
        .init(
            "worker.total_segments", .integer(1...4096), default: "4",
            "Into how many segments a consumer's aggregates are divided, at its first start; later `godwit resegment` changes that."
        ),
        .init(
            "worker.batch_size", .integer(1...100_000), default: "4000",
            "How many events are fetched at a time at most; beginning with 500, growing while there are more."),
        .init(
            "worker.poll_interval", .duration(.milliseconds(1)...(.seconds(3600))), default: "100ms",
            "How often the relay looks for new events where nothing notifies it."),
        .init(
            "worker.dispatcher", .boolean, default: "true",
            "Whether notifications or regular looks wake the relay. `false`: it looks by itself, after `worker.poll_interval` "
                + "at first and up to `worker.max_poll_interval` while nothing comes."),
        .init(
            "worker.max_poll_interval", .duration(.milliseconds(1)...(.seconds(3600))), default: "5s",
            "Without the dispatcher: the longest wait between two looks; each that finds nothing doubles it."),
        .init(
            "worker.bytes_in_flight", .size(WorkerSection.leastBytesInFlight...1 << 40), default: "32MiB",
            "How much memory events may take that are read and not yet acknowledged."),
        .init(
            "worker.max_post_batch_pause", .duration(.zero...(.seconds(60))), default: "0s",
            "How long to rest at most between full batches, for the sake of others; `0s` is never."),
        .init(
            "worker.wakeup_jitter", .duration(.zero...(.seconds(60))), default: "0s",
            "How long to hold back a wakeup at most, at random, so that many processes do not read at once."),
        .init(
            "worker.heartbeat_interval", .duration(.milliseconds(50)...(.seconds(600))), default: "2s",
            "How often a worker reports to the others that it is alive. Unheard for two of them it stops publishing; two and a half "
                + "after the last, others take over where its session has ended."),
        .init(
            "worker.stale_threshold", .duration(.milliseconds(150)...(.seconds(3600))), default: "30s",
            "After how long without a heartbeat a worker's segments go to others while its session seems to live; three "
                + "heartbeats at least. Each worker's own settings hold for it."),
        .init(
            "worker.rebalance_interval", .duration(.milliseconds(50)...(.seconds(3600))), default: "10s",
            "How often a worker compares its segments with its fair share."),
        .init(
            "worker.halt_retry_interval", .duration(.milliseconds(50)...(.seconds(86_400))), default: "30s",
            "How often a segment that halts at an event that Kafka cannot take is tried again."),
        .init(
            "worker.shutdown_timeout", .duration(.zero...(.seconds(3600))), default: "20s",
            "How long a stop may take to finish what is in flight before it lets go."),
    ]

    private static let consumers: [ConfigurationKey] =
        [
            .init(
                "consumers.*.source", .text,
                "Of which of `sources` it takes its events; needed where there are several."),
            .init(
                "consumers.*.bounded_contexts", .list, default: "[]",
                "The bounded contexts whose events it relays; none named is all."),
            .init(
                "consumers.*.aggregate_types", .list, default: "[]",
                "The aggregate types whose events it relays; none named is all."),
            .init(
                "consumers.*.event_types", .list, default: "[]",
                "The event types it relays, `*` for any text; none named is all."),
            .init(
                "consumers.*.except_event_types", .list, default: "[]",
                "Event types that it passes over, `*` for any text."),
            .init(
                "consumers.*.where", .conditions,
                "Relays only events whose payload has one of the values at each place: `{ /country: [DE, AT] }`. A text, a "
                    + "number, `true`, `false` or `null`; an event without the place is passed over, one whose payload is not "
                    + "JSON is undeliverable."),
            .init(
                "consumers.*.where_metadata", .conditions, "As `where`, for the event's metadata."),
            .init(
                "consumers.*.except_where", .conditions,
                "Passes over events whose payload has one of the values at a place."),
            .init(
                "consumers.*.except_where_metadata", .conditions, "As `except_where`, for the event's metadata."),
            .init(
                "consumers.*.start", .text, default: "beginning",
                "Where it begins at its first start: `beginning`, `now`, or behind a position."),
            .init(
                "consumers.*.topic", .text, required: true,
                "The topic, or a template over the event: `identity.{aggregate_type}`."),
            .init(
                "consumers.*.topics", .templates,
                "Other topics or templates for some event types: `{ UserErased: identity.erasures }`."),
            .init(
                "consumers.*.topics_allowed", .list, default: "[]",
                "The topics the template may lead to, `*` for any text; none named is any."),
            .init(
                "consumers.*.topic_settings", .properties,
                "As `kafka.topics.settings`, for the topics of this consumer's events, and over those; also `partitions` and "
                    + "`replication_factor`: `{ cleanup.policy: compact, partitions: 12 }`."),
            .init(
                "consumers.*.headers", .choiceListOrMapping(["standard", "minimal", "none"]), default: "standard",
                "Which of the standard headers records carry: all; the fewest that readers need (`event_id`, `event_type`, "
                    + "`global_position`; in CloudEvents the required attributes); none; or those of a list, named by their "
                    + "columns: `[event_id, trace_id]`. As a mapping, `base` is one of these, a column takes another name or "
                    + "`false`, and other names are headers of your own: "
                    + "`{ event_type: type, event_version: false, source: { value: shop }, tenant: { metadata: /user/tenant }, "
                    + "country: { payload: /address/country } }`."),
            .init(
                "consumers.*.header_prefix", .text,
                "What the names of the record's headers begin with, but for those of CloudEvents; `headers` and "
                    + "`metadata_headers` name them without it."),
            .init(
                "consumers.*.key", .text, default: "aggregate_id",
                "The record's key: `aggregate_id`, `correlation_id`, or a template over the event, its metadata and its payload, "
                    + "`\"{metadata./tenant}:{aggregate_id}\"`. The events of an aggregate keep their order if they have one key."
            ),
            .init(
                "consumers.*.partition", .text,
                "The record's partition, a template that makes a whole number of each event: `\"{metadata./shard}\"`; not given, "
                    + "the key decides."),
            .init(
                "consumers.*.partitioner", .choice(["murmur2", "crc32"]), default: "murmur2",
                "How a key leads to a partition: as the Java client does, or as librdkafka's `consistent` does."),
            .init(
                "consumers.*.metadata_headers", .choiceOrList(["all"]), default: "[]",
                "The members of the event's metadata that become headers, by names or by places (`/user/id` is the header `id`), "
                    + "or `all`; in CloudEvents extension attributes."),
            .init(
                "consumers.*.trace_headers", .choiceOrList(["none"]), default: "[traceparent, tracestate]",
                "The headers by which a trace goes on, in every format and without `header_prefix`: `traceparent`, `tracestate` and "
                    + "`baggage`, from the metadata; `traceparent` from `trace_id` too."),
            .init(
                "consumers.*.value.keep", .list, default: "[]",
                "The places in a JSON payload that are kept (`/customer/id`), with all below them; none named is everything."
            ),
            .init(
                "consumers.*.value.drop", .list, default: "[]",
                "The places in a JSON payload that are left out."),
            .init(
                "consumers.*.value.rename", .mapping,
                "New names for members of a JSON payload, by their places: `{ /customer/name: client }`."),
            .init(
                "consumers.*.value.mask", .list, default: "[]",
                "The places in a JSON payload whose values become `\"***\"`."),
            .init(
                "consumers.*.value.hash", .list, default: "[]",
                "The places in a JSON payload whose values become the HMAC-SHA-256 of their text, in hexadecimal."),
            .init(
                "consumers.*.value.hash_key", .secret,
                "The key of these hashes; its file is read at the start."),
            .init(
                "consumers.*.tombstone_on", .list, default: "[]",
                "The event types, `*` for any text, whose records have no value, by which a compacted topic forgets what it has of their key."
            ),
            .init(
                "consumers.*.tombstone_on_empty", .boolean, default: "false",
                "Whether an empty payload makes a record without a value too."),
            .init(
                "consumers.*.format", .choice(["payload", "cloudevents_binary", "cloudevents_structured"]),
                default: "payload",
                "The record's shape: the payload with the rest as headers, or CloudEvents 1.0 in one of Kafka's modes."),
            .init(
                "consumers.*.cloudevents_source", .text,
                "The attribute `source`, a template over the event; needed by the CloudEvents formats."),
            .init(
                "consumers.*.cloudevents_content_type", .text, default: "application/json",
                "The media type of the payloads in CloudEvents."),
            .init(
                "consumers.*.delivery", .choice(["at_least_once", "exactly_once"]), default: "at_least_once",
                "What is promised, in order per aggregate: every event at least once; or exactly once, to readers of "
                    + "committed records (`isolation.level=read_committed`)."),
            .init(
                "consumers.*.progress_topic", .text,
                "The topic in which exactly-once delivery records how far it has come, a partition for each segment, "
                    + "compacted; not given, `godwit.progress.NAME`."),
            .init(
                "consumers.*.on_poison", .choice(["halt", "park", "dead_letter_topic"]), default: "halt",
                "What happens at an event that Kafka can never take. `halt`: its segment halts before it; `park`: it and "
                    + "the later events of its aggregate are set aside, see `godwit parked`; `dead_letter_topic`: its "
                    + "record goes there."),
            .init(
                "consumers.*.dead_letter_topic", .text,
                "The topic of events that Kafka can never take, where `on_poison` says so; headers tell why and from where."
            ),
        ]
        + worker.filter { inherited.contains($0.name) }.map {
            .init("consumers.*.\($0.name)", $0.kind, "As `\($0.path)`, for this consumer.")
        }

    private static let audit: [ConfigurationKey] = [
        .init(
            "audit.interval", .duration(.milliseconds(100)...(.seconds(86_400))),
            "How often one of the processes compares what was delivered since the last time with the topics; not given, "
                + "none does."),
        .init(
            "audit.rate", .integer(100...10_000_000), default: "20000",
            "How many records a second an audit reads at most: more than are published in the long run."),
    ]

    private static let jobs: [ConfigurationKey] = [
        .init(
            "jobs.run", .boolean, default: "true",
            "Whether this process runs jobs that were handed to relays, one at a time: `godwit republish --queue`. It takes those "
                + "of its own consumers only.")
    ]

    private static let admin: [ConfigurationKey] = [
        .init(
            "admin.listen", .text,
            "The address of the admin port: `127.0.0.1:9464`; not given, there is none. It serves the console at `/`, "
                + "`/healthz`, `/readyz`, `/metrics` and the API that `/api/openapi.json` describes."),
        .init(
            "admin.token", .secret,
            "The operators' token: what a request must bring, or a browser signs in with, to change something. Where a token is given, "
                + "the console's pages need one to be looked at; one is needed to listen on other addresses than loopback."
        ),
        .init(
            "admin.viewer_token", .secret,
            "The viewers' token: who has it may look at everything in the console, and change nothing."),
        .init(
            "admin.payloads", .choice(["shown", "hidden"]), default: "shown",
            "Whether the console and its API show events' payloads and metadata, and the keys, headers and values of their records."
        ),
    ]

    private static let log: [ConfigurationKey] = [
        .init(
            "log.level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            default: "info", "The least important messages that are written."),
        .init(
            "log.format", .choice(["auto", "text", "json"]), default: "auto",
            "For people, for machines, or by whether standard error is a terminal."),
    ]
}
