/// What each table is needed for, the one list that grants and `godwit doctor` go by. A table that is missing here
/// cannot be used by a role of least privilege.
package struct TableRights: Sendable, Hashable {
    /// Whom rights are granted to.
    package enum Purpose: Sendable, Hashable {
        /// A role that relays, and does what people order of the relay.
        case relay
        /// A role that appends and reads events.
        case writer
    }

    package enum Right: Sendable, Hashable {
        case select, insert, delete
        /// No columns are all of them.
        case update([String] = [])

        /// As GRANT and `has_table_privilege` name it.
        package var name: String {
            switch self {
            case .select: "SELECT"
            case .insert: "INSERT"
            case .delete: "DELETE"
            case .update: "UPDATE"
            }
        }

        var sql: String {
            guard case .update(let columns) = self, !columns.isEmpty else { return name }
            return "UPDATE (\(columns.joined(separator: ", ")))"
        }
    }

    package let table: TableName
    package let relay: [Right]
    package let writer: [Right]

    /// - Parameter prunes: whether relays remove what is delivered, as the configuration's `source.retention` asks.
    package static func all(_ tables: TableNames, prunes: Bool = false) -> [TableRights] {
        let removal: [Right] = prunes ? [.delete] : []
        func own(_ name: String, _ relay: [Right], writer: [Right] = []) -> TableRights {
            TableRights(table: tables.godwitTable(name), relay: relay, writer: writer)
        }
        return [
            TableRights(table: tables.events, relay: [.select] + removal, writer: [.select, .insert]),
            TableRights(table: tables.aggregateHeads, relay: [], writer: [.select, .insert, .update()]),
            // Locking a row needs the right to update some column of it.
            TableRights(
                table: tables.consumerSegments,
                relay: [.select, .insert, .update(["owner_id", "checkpoint", "epoch"])], writer: []),
            TableRights(
                table: tables.consumerWorkers, relay: [.select, .insert, .update(), .delete], writer: []),
            own("schema_migrations", [.select]),
            own("notify_requests", [.select, .insert, .update(), .delete], writer: [.select]),
            own("audit", [.select, .insert] + removal),
            own("dead_letters", [.select, .insert, .update()] + removal),
            own("consumer_controls", [.select, .insert, .update()]),
            own("checkpoint_identities", [.select, .insert, .update()]),
            own("checkpoint_scopes", [.select, .insert, .update(), .delete]),
            own("jobs", [.select, .insert, .update()] + removal),
            own("job_events", [.select, .insert]),
            own("job_runs", [.select, .insert, .update()]),
            own("delivery_audits", [.select, .insert, .update(), .delete]),
            own("transactional_segments", [.select, .insert, .update()] + removal),
            own("registered_consumers", [.select, .insert, .update()]),
            own("delivered_positions", [.select, .insert, .delete]),
            own("prunings", [.select, .insert, .update()]),
            own("segment_exchanges", [.select]),
        ]
    }

    package func rights(_ purpose: Purpose) -> [Right] {
        switch purpose {
        case .relay: relay
        case .writer: writer
        }
    }
}
