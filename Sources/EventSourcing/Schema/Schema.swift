public import Postgres

/// The event store's schema, brought up to date by numbered migrations.
///
/// What was applied is recorded in `schema_migrations`, so that running it twice does nothing, and an advisory lock
/// lets two processes run it at once. A database made by pupsourcing/core is taken over as it is.
public struct Schema: Sendable {
    private let tables: TableNames
    var requests: NotifyRequests { NotifyRequests(tables) }

    /// The schema for the tables.
    public init(_ tables: TableNames = TableNames()) {
        self.tables = tables
    }

    /// The version that this build of Godwit needs.
    public var latestVersion: Int { migrations.count }

    private var migrations: [Migration] { Migration.all(for: tables) }
    private var records: TableName { tables.godwitTable("schema_migrations") }

    /// Applies what is missing, in one transaction. Where the events table does not exist yet, it is made with the trigger
    /// by which inserts notify relays; a table that exists is others', and gets it by ``installNotifyTrigger(channel:on:)``
    /// only.
    ///
    /// - Parameter notifyChannel: where the trigger notifies; `nil` for no trigger.
    /// - Returns: the names of the migrations that were applied now, empty if there was nothing to do.
    /// - Throws: `database`, where a table that must change stays locked by others for a minute.
    public func migrate(
        notifyChannel: String? = Schema.defaultNotifyChannel, on connection: Connection
    ) async throws(EventStoreError) -> [String] {
        try await ShortLocks.withRetries(on: connection) { transaction throws(PostgresError) in
            try await transaction.query(Statement(lock))
            try await run(preamble, in: transaction)
            let applied = try await version(in: transaction)
            let missing = migrations.filter { $0.version > applied }
            for migration in missing {
                try await run(migration.sql, in: transaction)
                try await run(record(migration), in: transaction)
            }
            if let notifyChannel { try await run(triggerOfNewTable(notifyChannel), in: transaction) }
            return missing.map { "\($0.version) \($0.name)" }
        }
    }

    /// The channel of the trigger, unless another is named.
    public static let defaultNotifyChannel = "pupsourcing_events"

    /// The version that the database has, 0 if none was applied.
    public func currentVersion(on session: some PostgresSession) async throws(EventStoreError) -> Int {
        do {
            let exists = try await session.query(
                BoundStatement(Statement("SELECT to_regclass($1) IS NOT NULL"), [records.sql]))
            guard try exists.first?.decode(0, as: Bool.self) == true else { return 0 }
            return try await version(in: session)
        } catch {
            throw EventStoreError(error)
        }
    }

    /// The whole schema as one script for `psql`, safe to run on any version, with the trigger on the default channel.
    public var script: String { script(notifyChannel: Self.defaultNotifyChannel) }

    /// The whole schema as one script for `psql`, safe to run on any version.
    ///
    /// - Parameter notifyChannel: as ``migrate(notifyChannel:on:)`` takes it.
    public func script(notifyChannel: String?) -> String {
        let steps = migrations.map { "-- \($0.version): \($0.name)\n\($0.sql)\n\(record($0))" }
        return """
            BEGIN;
            \(lock);
            \(preamble)
            \(steps.joined(separator: "\n"))
            \(notifyChannel.map { triggerOfNewTable($0) } ?? "")
            COMMIT;

            """
    }

    // MARK: Pieces

    /// Lets one process at a time migrate these tables; others' tables are no concern of theirs.
    private var lock: String {
        "SELECT pg_advisory_xact_lock(hashtextextended(\(quoteLiteral("godwit schema \(records.text) \(tables.events.text)")), 0))"
    }

    /// Makes the trigger if this transaction has made the events table.
    private func triggerOfNewTable(_ channel: String) -> String {
        """
        DO $new$ BEGIN
        IF current_setting('godwit.events_existed', true) = 'false' AND to_regclass(\(quoteLiteral(tables.events.sql))) IS NOT NULL THEN
            EXECUTE \(quoteLiteral(requests.installTrigger(channel)));
        END IF;
        END $new$;
        """
    }

    private func version(in session: some PostgresSession) async throws(PostgresError) -> Int {
        let statement = Statement("SELECT coalesce(max(version), 0) FROM \(records.sql) WHERE events_table = $1")
        return try await session.query(BoundStatement(statement, [tables.events.text])).first?.decode(0) ?? 0
    }

    private var preamble: String {
        var schemas = Set([tables.consumerSegments, tables.consumerWorkers, records].map(\.schema))
        if tables.columns == nil { schemas.formUnion([tables.events, tables.aggregateHeads].map(\.schema)) }
        // `CREATE SCHEMA IF NOT EXISTS` needs the right to create one even where it exists.
        let creations = schemas.sorted().map { schema in
            "IF to_regnamespace(\(quoteLiteral(quoteIdentifier(schema)))) IS NULL THEN CREATE SCHEMA \(quoteIdentifier(schema)); END IF;"
        }
        return """
            SELECT set_config('godwit.events_existed', (to_regclass(\(quoteLiteral(tables.events.sql))) IS NOT NULL)::text, true);
            DO $$ BEGIN
            \(creations.joined(separator: "\n"))
            END $$;
            CREATE TABLE IF NOT EXISTS \(records.sql) (
                events_table text NOT NULL,
                version integer NOT NULL,
                name text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (events_table, version)
            );
            """
    }

    private func record(_ migration: Migration) -> String {
        """
        INSERT INTO \(records.sql) (events_table, version, name)
            VALUES (\(quoteLiteral(tables.events.text)), \(migration.version), '\(migration.name)') ON CONFLICT DO NOTHING;
        """
    }

    private func run(_ script: String, in transaction: Transaction) async throws(PostgresError) {
        try await transaction.execute(script: script)
    }
}

extension EventStoreError {
    /// Wraps what a body threw.
    init(_ error: any Error) {
        switch error {
        case let error as EventStoreError: self = error
        case let error as PostgresError: self = .database(error)
        default: self = .database(PostgresError(.cancelled, "\(error)"))
        }
    }
}
