public import Postgres

extension Schema {
    /// How inserts into the events table notify relays.
    public struct NotifyTrigger: Sendable, Hashable {
        /// Whether the trigger is there, is enabled, and notifies the channel.
        public let isInstalled: Bool
        /// Whether the server lets transactions be prepared, which PostgreSQL refuses after a notification.
        public let allowsPreparing: Bool
        /// Whether the table has partitions, into which rows can be inserted by their own names without its trigger.
        public let hasPartitions: Bool
    }

    /// Looks whether inserts notify the channel.
    public func notifyTrigger(
        channel: String, on session: some PostgresSession
    ) async throws(EventStoreError) -> NotifyTrigger {
        do throws(PostgresError) {
            let rows = try await session.query(BoundStatement(Statement("SELECT \(requests.state(channel))")))
            guard let row = rows.first else {
                return NotifyTrigger(isInstalled: false, allowsPreparing: false, hasPartitions: false)
            }
            return NotifyTrigger(
                isInstalled: try row.decode(1), allowsPreparing: try row.decode(2), hasPartitions: try row.decode(3))
        } catch {
            throw .database(error)
        }
    }

    /// Has every insert into the events table notify the channel while a relay asks for it, by any program: also services
    /// that do not append through an ``EventStore``. Leaves a trigger that does so untouched.
    ///
    /// Making the trigger needs a lock that no insert can be under way for. It is waited for in short attempts, so that
    /// inserts wait no longer than 200 ms each time.
    ///
    /// - Throws: `database`, where the lock cannot be had within a minute.
    public func installNotifyTrigger(channel: String, on connection: Connection) async throws(EventStoreError) {
        try await ShortLocks.withRetries(on: connection) { transaction throws(PostgresError) in
            try await transaction.execute(script: requests.installTrigger(channel))
        }
    }

    /// Removes the trigger that ``installNotifyTrigger(channel:on:)`` made, if it is there.
    public func removeNotifyTrigger(on connection: Connection) async throws(EventStoreError) {
        try await ShortLocks.withRetries(on: connection) { transaction throws(PostgresError) in
            try await transaction.execute(script: requests.removeTrigger)
        }
    }

    /// What removes the trigger, as SQL, for `psql`.
    public var notifyTriggerRemoval: String { requests.removeTrigger }

    /// The trigger as SQL, for `psql`.
    public func notifyTriggerScript(channel: String) -> String {
        requests.installTrigger(channel)
    }
}
