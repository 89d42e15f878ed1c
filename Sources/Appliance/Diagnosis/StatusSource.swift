import Consumers
import EventSourcing
import KafkaBridge
import Postgres

/// Everything about the state of all processes that the database has.
struct StatusSource: Sendable {
    struct Picture: Sendable {
        var store: StoreStatus
        /// What waits for an operator's decision, by consumer.
        var deadLetters: [String: DeadLetters.Count]
        /// What audits have found, by consumer.
        var audits: [String: AuditRecord] = [:]
        /// Why what audits have found cannot be read.
        var auditTrouble: String?
        /// Jobs that have not ended for good, the newest first.
        var jobs: [Job] = []
        /// Where segments halt, where that was asked for.
        var halts: [DeadLetters.Halt] = []

        /// Without some consumers.
        func without(_ names: Set<String>) -> Picture {
            if names.isEmpty { return self }
            var picture = self
            picture.store.consumers.removeAll { names.contains($0.name) }
            return picture
        }
    }

    private let reader: StatusReader
    private let letters: DeadLetters
    private let audits: AuditsTable
    private let jobs: JobsTable

    init(_ tables: TableNames, scopes: [String: EventScope], backlogLimit: Int) {
        reader = StatusReader(tables, scopes: scopes, backlogLimit: backlogLimit)
        letters = DeadLetters(tables)
        audits = AuditsTable(tables)
        jobs = JobsTable(tables)
    }

    /// - Parameter includesHalts: whether the events that segments stand before are read too.
    /// - Throws: `SourceError`, or `PostgresError`.
    func take(includesHalts: Bool = false, on connection: Connection) async throws -> Picture {
        let store = try await reader.read(on: connection)
        let counts = try await letters.counts(on: connection)
        var picture = Picture(store: store, deadLetters: counts.reduce(into: [:]) { $0[$1.consumer] = $1 })
        if includesHalts { picture.halts = try await letters.halts(on: connection) }
        do throws(PostgresError) {
            let records = try await audits.all(on: connection)
            picture.audits = records.reduce(into: [:]) { $0[$1.consumer] = $1 }
        } catch {
            // How consumers stand does not depend on audits, whose table an upgraded role may not have yet.
            guard error.code == .statement else { throw error }
            picture.auditTrouble = error.description
        }
        do throws(PostgresError) {
            for row in try await connection.query(jobs.recent(ended: 0)) { picture.jobs.append(try Job(row)) }
        } catch {
            // Likewise, before `migrate` has brought the table up to date.
            guard error.code == .statement else { throw error }
        }
        return picture
    }
}
