import Consumers
import EventSourcing
import KafkaBridge
import Logging
import Postgres

/// What a preview of a consumer asks of the database and the brokers beside the events.
struct PreviewContext: Sendable {
    let configuration: PreviewConfiguration
    let options: KafkaPublisherOptions
    let survey: TopicSurvey
    let logger = Logger(label: "godwit.preview")

    var consumer: ConsumerSection { configuration.consumer }
    var tables: TableNames { configuration.configuration.database.tables }

    /// So many dead letters are looked at.
    private static let mostLetters = 20_000

    init(_ configuration: PreviewConfiguration) throws(Failure) {
        self.configuration = configuration
        options = try configuration.options()
        survey = TopicSurvey(
            options, problem: configuration.kafkaProblem, logger: Logger(label: "godwit.preview"))
    }

    /// What the database knows of the consumer, and what is to be said about that.
    ///
    /// - Parameter aggregate: only what concerns an event of it is read of the dead letters; `nil` is all.
    func record(
        concerning aggregate: AggregateIdentity? = nil, on connection: Connection
    ) async throws -> (record: ConsumerPreview.Record, notes: [String]) {
        var record = ConsumerPreview.Record(totalSegments: consumer.totalSegments)
        var notes: [String] = []
        let name = consumer.name
        do {
            let queries = CatalogQueries(tables)
            for row in try await connection.query(queries.segments(of: [name])) {
                record.totalSegments = Int(try row.decode(1, as: Int32.self))
            }
            record.history = try await ScopesTable(tables).read(name, on: connection)
            let letters = DeadLetters(tables)
            var after: Int64 = 0
            if let aggregate {
                let own = DeadLetterSelection(
                    consumer: name, aggregateID: aggregate.aggregateID, aggregateType: aggregate.aggregateType,
                    boundedContext: aggregate.boundedContext)
                let known = try await letters.list(own, states: DeadLetter.State.allCases, on: connection)
                // Each segment halts at one event.
                let halts = try await letters.list(
                    DeadLetterSelection(consumer: name), states: [.halted], on: connection)
                record.letters = known + halts.filter { $0.aggregate != aggregate }
            }
            while aggregate == nil, record.letters.count < Self.mostLetters {
                let more = try await letters.list(
                    DeadLetterSelection(consumer: name),
                    states: DeadLetter.State.allCases.filter { $0.isOpen || $0 == .discarded }, after: after,
                    on: connection)
                record.letters += more
                guard more.count == 1_000, let last = more.last else { break }
                after = last.position
            }
        } catch {
            // Without the tables, or the right to them, nothing is recorded of the consumer.
            guard [.schemaMissing, .databaseRights].contains(Failure(error).status) else { throw error }
            record.isRead = false
            notes.append("what the database records of the consumer cannot be read: \(error)")
        }
        if record.history.start == nil {
            switch consumer.start {
            case .after(let position): record.start = position
            case .now:
                record.startsLater = true
                notes.append(
                    "the consumer has not started yet: with start: now it begins behind the last event of then"
                )
            case .beginning: break
            }
        }
        return (record, notes)
    }
}
