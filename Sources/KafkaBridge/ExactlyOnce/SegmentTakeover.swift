import Consumers
import EventSourcing
import FoundationEssentials
import Kafka
import Logging

/// Takes segments over, in the order that exactly-once delivery rests on: what their former owners have left open is ended,
/// the own id is recorded, and only then is their progress read.
///
/// With the progress read first, a former owner could commit events behind it. Without the own id recorded first, a next
/// owner could not end what this one leaves open.
struct SegmentTakeover: Sendable {
    let consumer: String
    let options: ExactlyOnceOptions
    let client: ClientConfiguration
    let logger: Logger

    /// What keeps a consumer from delivering exactly once, until an operator has decided.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private var reader: ProgressReader {
        ProgressReader(client: client, topic: options.progressTopic, consumer: consumer, logger: logger)
    }

    /// - Parameters:
    ///   - segments: as they are served. The producer of this process owns its id already.
    ///   - known: what that producer has committed itself of some of them.
    /// - Returns: how each begins.
    /// - Throws: `KafkaError`, `PostgresError`, ``Refusal``.
    func run(
        _ segments: [ServedSegment], known: [Int: SegmentProgress]
    ) async throws -> [ServedSegment: ExactlyOnceState.Beginning] {
        var open = segments
        var fenced: Set<String> = [options.transactionalID]
        var lineages: [Int: String] = [:]
        var formers: [Int: TransactionStore.Owner] = [:]
        var beginnings: [ServedSegment: ExactlyOnceState.Beginning] = [:]
        while !open.isEmpty {
            try Task.checkCancellation()
            let owners = try await options.store.owners(consumer, open.map(\.segment))
            try await fence(Set(owners.values.compactMap(\.transactionalID)), &fenced)
            let recorded = try await options.store.record(
                consumer, id: options.transactionalID, lineage: UUID().uuidString, open, former: owners)
            lineages.merge(recorded) { $1 }
            formers.merge(owners.filter { recorded[$0.key] != nil }) { $1 }
            open.removeAll { recorded[$0.segment] != nil }
            if open.isEmpty { break }
            // Others' by now; or another one was faster to record its id, which is to be fenced too.
            let claimed = try await options.store.claimed(consumer, open)
            for segment in open where !claimed.contains(segment.segment) { beginnings[segment] = .lost }
            open.removeAll { !claimed.contains($0.segment) }
        }
        let progress = try await read(lineages, known: known, formers, &fenced)
        for segment in segments {
            guard let lineage = lineages[segment.segment] else { continue }
            let new = SegmentProgress(
                lineage: lineage, epoch: segment.epoch, transactionalID: options.transactionalID)
            beginnings[segment] = .after(progress[segment.segment] ?? new)
        }
        try await check(progress)
        return beginnings
    }

    private func fence(_ ids: Set<String>, _ fenced: inout Set<String>) async throws(KafkaError) {
        for id in ids.subtracting(fenced).sorted() {
            var client = client
            client.transactions = TransactionSettings(id: id, timeout: options.transactionTimeout)
            logger.notice("ending what a former owner may have left open", metadata: ["transactional_id": "\(id)"])
            try await TransactionalProducer.fence(client, logger: logger)
            fenced.insert(id)
        }
    }

    /// What counts of what is committed.
    private func read(
        _ lineages: [Int: String], known: [Int: SegmentProgress], _ formers: [Int: TransactionStore.Owner],
        _ fenced: inout Set<String>
    ) async throws(KafkaError) -> [Int: SegmentProgress] {
        var progress = known.filter { lineages[$0.key] == $0.value.lineage }
        var unread = lineages.filter { progress[$0.key] == nil }
        while !unread.isEmpty {
            let found = try await reader.read(unread)
            // A database that has lost its last commits does not know the last owner.
            let unknown = found.filter { segment, progress in progress.epoch > formers[segment]?.epoch ?? -1 }
            let writers = Set(unknown.values.map(\.transactionalID)).subtracting(fenced)
            if writers.isEmpty {
                progress.merge(found) { $1 }
                unread = [:]
            } else {
                try await fence(writers, &fenced)
            }
        }
        return progress
    }

    /// Events that were delivered are still in the database: else it is another log, or the server has lost commits and gives
    /// their positions to other events, which would be passed over.
    private func check(_ progress: [Int: SegmentProgress]) async throws {
        let references = progress.values.flatMap { $0.covers.map(\.last) }
        if references.isEmpty { return }
        let missing = try await options.store.missing(references)
        guard let first = missing.min(by: { $0.position < $1.position }) else { return }
        throw Refusal(
            description:
                "event \(first.eventID) at position \(first.position) was delivered, and is not in the database any "
                + "more: it was deleted, the server has lost its last commits, or this is another database, so where to go on "
                + "exactly once is not known; `godwit accept-source` goes on from the checkpoints, or from a position, and may "
                + "deliver events again")
    }
}
