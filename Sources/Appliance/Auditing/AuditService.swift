import Consumers
import DedicatedThread
import EventSourcing
import Kafka
import KafkaBridge
import Logging
import Postgres
import ServiceLifecycle

/// Audits the consumers of a process in the life cycle of that process.
struct AuditService: Service {
    private let auditor: Auditor

    /// - Returns: nil where the configuration asks for no audit.
    init?(_ configuration: Configuration, owner: String) {
        guard let auditor = Auditor(configuration, owner: owner) else { return nil }
        self.auditor = auditor
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await auditor.run() }
    }
}

/// Audits consumers one after another, again after each interval. What goes wrong ends nothing: the age of the audit shows it.
///
/// It works on a thread of its own that gives way to the relay's, as do the Kafka client's threads that are started on it:
/// auditing is never in the way of an event.
actor Auditor {
    nonisolated private let thread = DedicatedThread(name: "audit", niceness: 10)
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private let configuration: Configuration
    private let interval: Duration
    private let pace: AuditPace
    private let database: ConnectionConfiguration
    private let owner: String
    private let logger = Logger(label: "godwit.audit")

    /// With a shorter interval the clients stay between the rounds.
    private static let longInterval: Duration = .seconds(10)
    /// Steps of one consumer before the next one's turn.
    private static let stepsOfOne = 20
    /// A failure that lasts is reported again after this time.
    private static let reminder: Duration = .seconds(3_600)

    /// - Returns: nil where the configuration asks for no audit.
    init?(_ configuration: Configuration, owner: String) {
        guard let interval = configuration.audit.interval, let database = configuration.database.connection else {
            return nil
        }
        self.configuration = configuration
        self.interval = interval
        pace = AuditPace(interval: interval)
        self.database = database.session(for: .audit)
        self.owner = owner
    }

    /// Until cancelled.
    func run() async {
        let audits = configuration.consumers.compactMap { makeAudit($0) }
        var client = configuration.kafka.client("godwit-audit")
        // What is read at a bounded rate need not wait in memory.
        client.properties["queued.max.messages.kbytes"] = "2048"
        let reading = AuditReading(client, for: audits, rate: configuration.audit.rate, logger: logger)
        let horizon = HorizonTracker(database, tables: configuration.database.tables, logger: logger)
        var failures: [String: (text: String, at: ContinuousClock.Instant)] = [:]
        var connection: Connection?
        while !Task.isCancelled {
            let started = ContinuousClock.now
            var (isBehind, isHeld, hasFailed) = (false, false, false)
            for audit in audits where !Task.isCancelled {
                do {
                    let session: Connection
                    if let connection {
                        session = connection
                    } else {
                        session = try await Connection.open(database, logger: logger)
                    }
                    connection = session
                    let outcome = try await round(audit, session, horizon, reading)
                    isBehind = isBehind || outcome == .behind
                    isHeld = isHeld || outcome == .held
                    failures[audit.consumer] = nil
                } catch {
                    if Task.isCancelled { break }
                    hasFailed = true
                    note(error, of: audit.consumer, in: &failures)
                    await connection?.close()
                    connection = nil
                    await reading.close()
                }
            }
            if isBehind { continue }
            if interval >= Self.longInterval || Task.isCancelled {
                await reading.close()
                await connection?.close()
                connection = nil
                // What is pending is remembered on the tracker's connection only.
                if !isHeld { await horizon.close() }
            }
            let round: AuditPace.Round =
                hasFailed ? .failed : audits.contains(where: \.hasSuspects) ? .suspects : .done
            try? await Task.sleep(until: pace.next(after: round, from: started, to: .now), clock: .continuous)
        }
        await reading.close()
        await horizon.close()
        await connection?.close()
        await release(audits.map(\.consumer))
    }

    private func round(
        _ audit: DeliveryAudit, _ connection: Connection, _ horizon: HorizonTracker, _ reading: AuditReading
    ) async throws -> DeliveryAudit.Outcome {
        var outcome = DeliveryAudit.Outcome.behind
        for _ in 0..<Self.stepsOfOne where outcome == .behind && !Task.isCancelled {
            outcome = try await audit.step(on: connection, horizon: horizon, reading: reading)
        }
        return outcome
    }

    private func makeAudit(_ consumer: ConsumerSection) -> DeliveryAudit? {
        guard let route = consumer.route else { return nil }
        var options = DeliveryAudit.Options()
        options.lease = interval * 2 + .seconds(10)
        options.settlePatience = pace.settlePatience
        options.consumers = configuration.consumers.count
        if case .deadLetterTopic(let topic) = consumer.onPoison { options.deadLetterTopic = topic }
        // Without the events' ids the configuration is refused.
        return try? DeliveryAudit(
            consumer: consumer.name, route: route,
            scope: consumer.scope,
            client: configuration.kafka.client("godwit-audit"), tables: configuration.database.tables, owner: owner,
            options: options, logger: logger)
    }

    private func note(
        _ error: any Error, of consumer: String,
        in failures: inout [String: (text: String, at: ContinuousClock.Instant)]
    ) {
        let text = "\(error)"
        if let last = failures[consumer], last.text == text, .now - last.at < Self.reminder { return }
        failures[consumer] = (text, .now)
        logger.warning("the audit does not go on, and tries again: \(text)", metadata: ["consumer": "\(consumer)"])
    }

    /// Lets other processes go on at once, if that is soon; else they go on after the lease. In a task of its own, since this
    /// one is cancelled.
    private func release(_ consumers: [String]) async {
        let releasing = Task {
            guard let connection = try? await Connection.open(database, logger: logger) else { return }
            let table = AuditsTable(configuration.database.tables)
            try? await table.release(consumers, owner: owner, on: connection)
            await connection.close()
        }
        let limit = Task {
            try await Task.sleep(for: .seconds(1))
            releasing.cancel()
        }
        await releasing.value
        limit.cancel()
    }
}
