package import EventSourcing
package import Postgres

/// What a source's log and the checkpoints recorded for it show, without a process that reads it.
package struct LogState: Sendable {
    package private(set) var latest: Int64 = 0
    package private(set) var lastDrawn: Int64 = 0
    package private(set) var writers: [HorizonHold] = []
    /// Whether events can be counted.
    package private(set) var isReadable = true
    /// Why nothing is read of it.
    package private(set) var problem: SourceProblem?
    /// Why nothing is read for a consumer.
    package private(set) var problems: [String: SourceProblem] = [:]

    /// - Parameter consumers: whose checkpoints are compared with the log.
    /// - Throws: `SourceError` where the events table is missing; `PostgresError`.
    package init(_ tables: TableNames, _ consumers: [String], on connection: Connection) async throws {
        do {
            let query = try await HorizonQuery(tables.source, checksRights: false, on: connection)
            if let error = try await Self.typeError(query, on: connection) { throw SourceError.unreadable(error) }
            // Before the last position is read: relays move checkpoints behind events of this very moment.
            let recorded = try await IdentitiesTable(tables).read(consumers, on: connection)
            let snapshot = try await query.refresh(HorizonQuery.Request(includesWriters: true), on: connection)
            lastDrawn = snapshot.lastDrawn
            let rows = try await connection.query(EventsTable(tables.source).latestPosition)
            latest = try rows.first?.decode(0) ?? 0
            if snapshot.horizon?.writers.isEmpty == false {
                writers = try await HorizonHolders(sequence: query.sequence).describe(on: connection)
            }
            let identity = try query.identity(seen: snapshot.state)
            if latest > lastDrawn, !(try await isDrawn(latest, query, on: connection)) {
                throw SourceError.foreignPosition(latest, lastDrawn: lastDrawn)
            }
            for recorded in recorded {
                let comparison = identity.compared(
                    to: recorded.identity ?? identity, passed: recorded.checkpoint ?? 0, lastDrawn: lastDrawn,
                    sequence: query.sequence)
                var refusal = recorded.refusal
                switch comparison {
                case .refused(let error): refusal = refusal ?? error.description
                case .partitionsAdded(let added):
                    // As relays do at their next start.
                    let passed = recorded.checkpoint ?? 0
                    if let event = try await query.passedEvent(in: added, through: passed, on: connection) {
                        let error = SourceError.attachedPartition(event.partition, position: event.position)
                        refusal = refusal ?? error.description
                    }
                case .same, .beginAnew: break
                }
                problems[recorded.consumer] = refusal.map { SourceProblem(text: $0, isRefusal: true) }
            }
        } catch let error as SourceError where error.isRefusal {
            if case .missingTable = error { throw error }
            if case .hiddenRows = error { isReadable = false }
            problem = SourceProblem(text: error.description, isRefusal: true)
        } catch SourceError.standby {
            problem = SourceProblem(text: SourceError.standby.description, isRefusal: false)
        }
    }

    /// That a column has another type than the schema's. The role that asks may have fewer rights than the relays.
    private static func typeError(_ query: HorizonQuery, on connection: Connection) async throws -> PostgresError? {
        do throws(PostgresError) {
            try await query.events.checkColumns(on: connection)
            return nil
        } catch {
            if error.code == .decoding { return error }
            guard error.code == .statement else { throw error }
            return nil
        }
    }

    /// Whether the sequence has drawn the position by now: it may have since the last look.
    private func isDrawn(
        _ position: Int64, _ query: HorizonQuery, on connection: Connection
    ) async throws -> Bool {
        let again = try await query.refresh(HorizonQuery.Request(includesWriters: false), on: connection)
        return again.lastDrawn >= position
    }
}
