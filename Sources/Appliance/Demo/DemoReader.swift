import FoundationEssentials
import Kafka
import Logging

/// Reads the demo's topics back, as any consumer would, and enters what it finds into the ledger.
struct DemoReader: Sendable {
    private let reader: Reader
    private let ledger: DemoLedger
    /// So long without any record, and what is missing counts as lost.
    private static let patience: Duration = .seconds(30)

    static func open(_ servers: DevelopmentServers, _ ledger: DemoLedger) async throws -> DemoReader {
        let reader = try Reader(
            servers.configuration.kafka.client("godwit-demo"), logger: Logger(label: "godwit.demo"))
        try await reader.assign(servers.topics)
        return DemoReader(reader: reader, ledger: ledger)
    }

    /// Reads until the end is reached, or nothing comes any more though all is written.
    func read(until isEnd: () -> Bool) async throws {
        var last = ContinuousClock.now
        while !isEnd() {
            let records = try await reader.poll(within: .milliseconds(100))
            enter(records)
            if !records.isEmpty { last = .now }
            if ContinuousClock.now - last > Self.patience { return }
            try Task.checkCancellation()
        }
    }

    /// Reads to the end that the topics have now.
    func readRest() async throws {
        // The reader keeps its position: only what has not been seen comes.
        try await reader.readToEnd(within: Self.patience) { enter($0) }
    }

    func close() async { await reader.close() }

    private func enter(_ records: [ConsumedRecord]) {
        ledger.receive(records.compactMap(Self.receipt))
    }

    /// A record without Godwit's headers is nobody's event.
    private static func receipt(_ record: ConsumedRecord) -> DemoLedger.Receipt? {
        guard let event = record.header("event_id").flatMap({ UUID(uuidString: $0) }),
            let context = record.header("bounded_context"), let type = record.header("aggregate_type"),
            let version = record.header("aggregate_version").flatMap({ Int64($0) }), let key = record.key
        else { return nil }
        return DemoLedger.Receipt(
            event: event,
            aggregate: .init(boundedContext: context, type: type, id: String(decoding: key, as: UTF8.self)),
            version: version)
    }
}
