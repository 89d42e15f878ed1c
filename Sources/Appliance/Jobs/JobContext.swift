import Consumers
import EventSourcing
import FoundationEssentials
import KafkaBridge
import Logging
import Postgres

/// What the commands that work on a part of the log need: a consumer's configuration, and the database.
struct JobContext: Sendable {
    let configuration: Configuration
    let database: ConnectionConfiguration
    let logger = Logger(label: "godwit.job")

    var tables: TableNames { configuration.database.tables }

    init(_ configuration: Configuration) throws(Failure) {
        guard let database = configuration.database.connection else {
            throw Failure(.configuration, "no database is configured")
        }
        self.configuration = configuration
        self.database = database
    }

    /// - Throws: where the configuration has no such consumer, with the names of those it has.
    func consumer(_ name: String) throws(Failure) -> ConsumerSection {
        if let consumer = configuration.consumers.first(where: { $0.name == name }) { return consumer }
        let names = configuration.consumers.map(\.name)
        throw Failure(
            .usage,
            "the configuration has no consumer \(name); "
                + (names.isEmpty ? "it has none" : "it has \(names.joined(separator: ", "))"))
    }

    /// How the consumer publishes, to its own topic or to another.
    func publisherOptions(_ consumer: ConsumerSection, topic: String?) throws(Failure) -> KafkaPublisherOptions {
        var options = try consumer.publisherOptions(configuration.kafka)
        // Who runs a job decides about an event that cannot be delivered.
        options.onPoison = .halt
        guard let topic else { return options }
        let choice = try JobTopic(topic)
        options.route.topic = choice.template
        options.route.topicsByEventType = [:]
        options.route.allowlist = choice.allowlist(options.route.allowlist)
        return options
    }

    /// How a job publishes.
    ///
    /// - Throws: also where it would publish to a topic of others.
    func jobOptions(_ consumer: ConsumerSection, topic: String?) throws(Failure) -> KafkaPublisherOptions {
        if let topic { try JobTopic(topic).check(for: consumer, among: configuration.allConsumers) }
        return try publisherOptions(consumer, topic: topic)
    }

    /// How a job delivers exactly once, where its consumer does: with an id and progress of its own, in the consumer's topic.
    func exactlyOnce(_ job: Job, _ transactions: TransactionStore) throws(Failure) -> ExactlyOnceOptions? {
        var options = try consumer(job.definition.consumer).publisherOptions(
            configuration.kafka, transactions: transactions
        ).exactlyOnce
        options?.transactionalID =
            "\(configuration.kafka.transactionalIDPrefix)-\(job.definition.consumer)-republish-\(job.name)-"
            + UUID().uuidString.lowercased()
        // What a job that dies has left open may hide a relay's progress, in the partition that both have.
        if let timeout = options?.transactionTimeout { options?.transactionTimeout = min(timeout, .seconds(10)) }
        options?.remedy = ExactlyOnceOptions.jobRemedy
        return options
    }

    /// The position behind which a range begins: where the consumer began, unless the request says otherwise. What lies
    /// before was never to be published.
    func start(of request: SelectionRequest, _ consumer: String, on connection: Connection) async throws -> Int64 {
        guard request.fromPosition == nil, request.fromTime == nil else { return request.after }
        let start = try await ScopesTable(tables).read(consumer, on: connection).start ?? 0
        if let last = request.toPosition, last <= start {
            throw Failure(
                .usage,
                "the consumer \(consumer) began behind position \(start), and the range ends at \(last); to publish what lies "
                    + "before its start, give --from-position too")
        }
        return start
    }

    /// The last position of a range, settled.
    ///
    /// - Parameter patience: how long to wait for transactions that write events.
    func settledEnd(
        of request: SelectionRequest, patience: Duration = .seconds(30), on connection: Connection
    ) async throws -> Int64 {
        let horizon = HorizonTracker(database, tables: tables, logger: logger)
        do {
            let end = try await SettledEnd(horizon, tables: tables, patience: patience).find(
                asked: request.toPosition, on: connection)
            await horizon.close()
            if let from = request.fromPosition, from > end, end > 0 { throw JobError.notYetThere(from, last: end) }
            return end
        } catch {
            await horizon.close()
            throw error
        }
    }
}
