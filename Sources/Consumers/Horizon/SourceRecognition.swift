import EventSourcing
import Logging
import Postgres

/// Compares the log that a connection reads with the one that checkpoints count in, and records it with them.
struct SourceRecognition: Sendable {
    let query: HorizonQuery
    let consumers: [String]
    let connection: Connection
    private let identities: IdentitiesTable
    private let logger: Logger

    init(
        _ query: HorizonQuery, tables: TableNames, consumers: [String], on connection: Connection, logger: Logger
    ) {
        self.query = query
        self.consumers = consumers
        self.connection = connection
        self.logger = logger
        identities = IdentitiesTable(tables)
    }

    /// Compares with what is recorded, and records the log where it may go on.
    ///
    /// - Returns: the highest checkpoint, 0 if there is none.
    /// - Throws: `SourceError` where events could be passed over.
    func begin(_ identity: StoreIdentity) async throws -> Int64 {
        var unrecorded: [String] = []
        var reasons: Set<String> = []
        var highest: Int64 = 0
        let all = try await identities.read(consumers, on: connection)
        // After the checkpoints: another worker may just have moved one behind events of this very moment.
        let look = HorizonQuery.Request(includesWriters: false)
        let lastDrawn = try await query.refresh(look, on: connection).lastDrawn
        if let reason = all.compactMap(\.refusal).first { throw SourceError.notAccepted(reason) }
        for recorded in all {
            let checkpoint = recorded.checkpoint ?? 0
            highest = max(highest, checkpoint)
            let earlier = recorded.identity ?? identity
            if let reason = try await judge(identity, earlier, passed: checkpoint, lastDrawn: lastDrawn) {
                reasons.insert(reason)
            }
            if recorded.identity != identity { unrecorded.append(recorded.consumer) }
        }
        for reason in reasons.sorted() {
            logger.notice("the log has changed since the checkpoints were recorded: \(reason); going on from them")
        }
        if !unrecorded.isEmpty { try await connection.query(identities.record(identity, for: unrecorded)) }
        return highest
    }

    /// Compares with the last look of the same connection.
    ///
    /// - Throws: `SourceError`; ``LogChanged`` where reading must begin anew.
    func goOn(_ identity: StoreIdentity, after earlier: StoreIdentity, passed: Int64, lastDrawn: Int64) async throws {
        if identity == earlier, lastDrawn >= passed { return }
        if let reason = try await judge(identity, earlier, passed: passed, lastDrawn: lastDrawn) {
            throw LogChanged(reason: reason)
        }
        try await connection.query(identities.record(identity, for: consumers))
    }

    /// Why to begin anew; `nil` if there is no need to.
    private func judge(
        _ identity: StoreIdentity, _ earlier: StoreIdentity, passed: Int64, lastDrawn: Int64
    ) async throws -> String? {
        switch identity.compared(to: earlier, passed: passed, lastDrawn: lastDrawn, sequence: query.sequence) {
        case .same: return nil
        case .beginAnew(let reason): return reason
        case .refused(let error): throw try await recorded(error)
        case .partitionsAdded(let added):
            if let event = try await query.passedEvent(in: added, through: passed, on: connection) {
                throw try await recorded(SourceError.attachedPartition(event.partition, position: event.position))
            }
            return nil
        }
    }

    /// Records a refusal that holds although its cause may not show any more, for example once the sequence has passed
    /// again what it was reset from.
    private func recorded(_ error: SourceError) async throws -> SourceError {
        if error.isLasting { try await connection.query(identities.refuse(error.description, to: consumers)) }
        return error
    }
}

/// Something of the log's identity has changed that loses nothing; go on from the checkpoints.
struct LogChanged: Error {
    let reason: String
}
