import Consumers
import EventSourcing
import Kafka
import KafkaBridge
import Logging
import Postgres

/// Looks at database and brokers once before the relays start, so that what a person must fix is reported at once and ends the
/// process. What is merely away is no reason not to start: the relays wait for it.
struct Preflight: Sendable {
    private let source: EventSource
    private let configuration: Configuration
    private let client: ClientConfiguration
    private let topics: [String]
    private let mayCreate: Bool
    /// Whether no consumer has other topics than those that are known from the start.
    private let isBoundToTopics: Bool
    private let logger = Logger(label: "godwit")
    let state: StartState
    private static let noBroker = "no Kafka broker answers"
    private static let askingInterval: Duration = .seconds(2)

    init(_ configuration: Configuration, source: EventSource, state: StartState) {
        self.source = source
        self.state = state
        self.configuration = configuration
        client = configuration.kafka.client()
        topics = Set(configuration.consumers.flatMap(\.fixedTopics).map(\.description)).sorted()
        mayCreate = configuration.kafka.topics != .mustExist
        isBoundToTopics = configuration.consumers.allSatisfy { !$0.fixedTopics.isEmpty }
    }

    func run() async throws(Failure) {
        state.waitsFor = "starting: looks at the database and the Kafka brokers"
        // The brokers are asked meanwhile; what is wrong with the database is reported first.
        async let brokers = askBrokers()
        try await checkDatabase()
        let failure = try await brokers.get()
        state.waitsFor = failure == nil ? nil : Self.noBroker
        if let failure {
            logger.warning(
                "no Kafka broker answers; waiting for one",
                metadata: ["bootstrap_servers": "\(client.bootstrapServers)", "reason": "\(failure)"])
        }
    }

    /// Asks again and again where no broker answered at the start, until one does. The relays go on by themselves; this is for
    /// those who ask whether the process is ready.
    func waitForBrokers() async {
        while state.waitsFor == Self.noBroker {
            do {
                try await Task.sleep(for: Self.askingInterval)
                if try await checkBrokers() == nil { state.waitsFor = nil }
            } catch is CancellationError {
                return
            } catch {
                // Brokers answer; what they refuse, the relays say.
                state.waitsFor = nil
            }
        }
    }

    private func checkDatabase() async throws(Failure) {
        do {
            try await source.check()
            await checkSessions()
            for collision in await configuration.topicCollisions() { logger.warning("\(collision)") }
        } catch {
            let failure = Failure(error)
            // The session of another client would be changed by each attempt.
            if (error as? PostgresError)?.code == .sessionRequired { throw failure }
            // What else is wrong with the source, the relays say, and wait until it is fixed.
            guard [.databaseUnreachable, .databaseUnfit, .databaseBusy].contains(failure.status) else { throw failure }
        }
    }

    /// What is missing is reported, and waited for: others may end their sessions.
    private func checkSessions() async {
        let database = configuration.database
        // What a pooler has room for cannot be asked here.
        guard (try? await database.sessionKeeping()) == .server else { return }
        let room = try? await database.withConnection { try await SessionRoom.read(database.tables, on: $0) }
        guard let room, let shortage = room.shortage(of: configuration.sessionNeed) else { return }
        logger.warning("\(shortage); \(room.tightest?.remedy ?? "")")
    }

    private func askBrokers() async -> Result<Failure?, Failure> {
        do {
            return .success(try await checkBrokers())
        } catch {
            return .failure(error)
        }
    }

    /// Why no broker answers; `nil` if one does.
    private func checkBrokers() async throws(Failure) -> Failure? {
        do {
            let (found, brokers) = try await Admin.with(client, logger: logger) { admin throws(KafkaError) in
                (try await admin.describeTopics(topics), try await admin.describeCluster(topics: topics).brokers.count)
            }
            try configuration.descriptorBudget(brokers: brokers).check(limit: DescriptorBudget.raiseLimit())
            var failures: [Failure] = []
            for topic in found {
                guard let error = topic.error else { continue }
                do throws(Failure) { try judge(error, of: topic.name) } catch { failures.append(error) }
            }
            // What one topic lacks is no reason to hold up what needs it not: the relays report it, and wait for it.
            if isBoundToTopics, let first = failures.first, failures.count == topics.count { throw first }
            return nil
        } catch {
            let failure = (error as? Failure) ?? Failure(error)
            guard failure.status == .kafkaUnreachable else { throw failure }
            return failure
        }
    }

    private func judge(_ error: KafkaError, of topic: String) throws(Failure) {
        let failure = Failure(error)
        switch failure.status {
        case .topicMissing where mayCreate: return
        case .topicMissing:
            throw Failure(
                .topicMissing, "topic \(topic): \(failure.message) Or let Godwit create it: kafka.topics.create: true")
        // A partition without a leader, for example, passes.
        case .kafkaUnreachable: return
        default: throw Failure(failure.status, "topic \(topic): \(failure.message)")
        }
    }
}
