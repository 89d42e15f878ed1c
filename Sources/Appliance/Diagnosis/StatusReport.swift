import Consumers
import EventSourcing
import KafkaBridge
import Postgres

/// The state of everything, as `godwit status` shows it: from the database, and from this configuration's process where
/// its admin port answers.
package struct StatusReport: Sendable {
    /// `nil` when the database could not be asked.
    let store: StoreStatus?
    private(set) var consumers: [ConsumerReport]
    /// Why the database could not be asked.
    let failure: Failure?
    /// Jobs that have not ended for good, the newest first.
    private(set) var jobs: [Job] = []
    /// What the process says of itself, as its admin port gives it.
    let process: JSONValue?
    /// Of consumers that deliver exactly once, where the process answers.
    var transactions: [TransactionFigures] = []
    /// What the age of each consumer's oldest waiting event is due to; `nil` where that was not asked for.
    var delays: [DelayAccount]?

    /// How a command asks.
    package struct Options: Sendable {
        /// How many waiting events are counted one by one.
        package var backlogLimit = 10_000
        /// An event that has waited for longer is unhealthy.
        package var longestLag: Duration?
        /// Whether to find out what the age of the oldest waiting events is due to.
        package var explains = false
        /// Whether to look what a process would be refused for, where none runs that could say so.
        package var looksAtRights = true
        /// The one to report; all, if none is named.
        package var consumer: String?

        package init() {}
    }

    /// Asks the database and the admin port.
    package static func take(_ configuration: Configuration, _ options: Options) async -> StatusReport {
        async let process = askProcess(configuration)
        async let metrics = options.explains ? askMetrics(configuration) : nil
        async let transactions = askTransactions(configuration)
        do {
            let source = StatusSource(
                configuration.database.tables, scopes: configuration.scopes, backlogLimit: options.backlogLimit)
            let rights = RelayRights(
                database: configuration.database, prunes: configuration.source.retention.pruning != nil)
            let (picture, missing) = try await configuration.database.withConnection {
                let picture = try await source.take(includesHalts: options.explains, on: $0)
                return (picture, options.looksAtRights ? try await rights.problem(on: $0) : nil)
            }
            let judgement = ConsumerDiagnosis(
                staleThreshold: configuration.worker.staleThreshold, auditInterval: configuration.audit.interval,
                longestLag: options.longestLag, deliveries: configuration.deliveries)
            var report = StatusReport(
                store: picture.store,
                consumers: judgement.reports(picture, configured: Set(configuration.scopes.keys)),
                failure: nil, process: await process, transactions: await transactions)
            if let missing { report.noteRefusal(missing) }
            report.jobs = picture.jobs
            if let consumer = options.consumer {
                report.consumers.removeAll { $0.consumer.name != consumer }
                report.jobs.removeAll { $0.definition.consumer != consumer }
            }
            guard options.explains else { return report }
            let (answer, stages) = (report.process, StageTimes.parse(await metrics ?? ""))
            report.delays = picture.store.consumers.filter { options.consumer ?? $0.name == $0.name }.map { consumer in
                DelayAccount(
                    DelayAccount.Facts(
                        consumer, in: picture, process: answer, stages: stages[consumer.name],
                        staleThreshold: judgement.staleThreshold))
            }
            return report
        } catch {
            return StatusReport(store: nil, consumers: [], failure: Failure(error), process: await process)
        }
    }

    /// Of consumers that no process serves, which would say so itself.
    private mutating func noteRefusal(_ issue: HealthIssue) {
        for index in consumers.indices where consumers[index].isConfigured {
            let kinds = consumers[index].issues.map(\.kind)
            guard kinds.contains(.noOwner) || kinds.contains(.notStarted) else { continue }
            consumers[index].issues.append(issue)
        }
    }

    private static func askProcess(_ configuration: Configuration) async -> JSONValue? {
        guard let address = configuration.admin.listen else { return nil }
        guard let body = await AdminClient.get("/api/status", from: address),
            let process = try? JSONParser.parse(body)
        else { return nil }
        // Of several sources each has a part of its own.
        guard let source = configuration.sourceName else { return process }
        return process["sources"]?[source]
    }

    /// Looks twice, since a rate is between two looks.
    private static func askTransactions(_ configuration: Configuration) async -> [TransactionFigures] {
        guard configuration.consumers.contains(where: { $0.delivery.name == "exactly_once" }),
            let first = await askMetrics(configuration)
        else { return [] }
        let start = ContinuousClock.now
        do { try await Task.sleep(for: .milliseconds(500)) } catch { return [] }
        guard let second = await askMetrics(configuration) else { return [] }
        return TransactionFigures.compare(first, second, after: (ContinuousClock.now - start) / .seconds(1))
    }

    private static func askMetrics(_ configuration: Configuration) async -> String? {
        guard let address = configuration.admin.listen else { return nil }
        return await AdminClient.get("/metrics", from: address)
    }

    /// What is the matter, by the database.
    package var diagnosis: Diagnosis {
        Diagnosis(
            process: failure.map {
                [HealthIssue($0.status == .databaseBusy ? .databaseBusy : .databaseAway, $0.message)]
            } ?? [], reports: consumers)
    }

    /// Leaves consumers out that are another source's.
    mutating func leaveOut(_ names: Set<String>) {
        consumers.removeAll { names.contains($0.consumer.name) }
        delays?.removeAll { names.contains($0.consumer) }
    }

    /// Whether the database could be asked, and there is the consumer.
    func knowsWell(_ consumer: String?) -> Bool { consumers.contains { $0.consumer.name == consumer } }

    /// Whether there is a consumer of the name; also true where nothing could be asked.
    package func knows(_ consumer: String) -> Bool {
        store == nil || consumers.contains { $0.consumer.name == consumer }
    }

    package var isHealthy: Bool { diagnosis.isHealthy }

    package var exitStatus: ExitStatus { failure?.status ?? (isHealthy ? .success : .unhealthy) }
}

extension ConsumerDiagnosis {
    /// Jobs that do not go on before an operator has decided.
    private func jobIssues(of consumer: String, _ jobs: [Job]) -> [HealthIssue] {
        jobs.filter { $0.definition.consumer == consumer && $0.state == .failed }.map { job in
            HealthIssue(
                .jobFailed,
                "the job \(job.name) has failed: \(LogLine.harmless(job.error ?? "")); `godwit jobs resume \(job.name)` tries "
                    + "again, `godwit jobs cancel \(job.name)` gives it up")
        }
    }

    /// - Parameter configured: whose health counts; all, if none is named.
    func reports(_ picture: StatusSource.Picture, configured: Set<String>) -> [ConsumerReport] {
        picture.store.consumers.map { consumer in
            let letters = picture.deadLetters[consumer.name]
            let audit = picture.audits[consumer.name]
            return ConsumerReport(
                consumer: consumer, deadLetters: letters, audit: audit,
                issues: issues(of: consumer, letters, audit: audit, in: picture.store) + unread(picture)
                    + jobIssues(of: consumer.name, picture.jobs),
                delivery: deliveries[consumer.name],
                isConfigured: configured.isEmpty || configured.contains(consumer.name))
        }
    }
}

extension Configuration {
    /// What is promised of each consumer's events.
    var deliveries: [String: ConsumerSection.Delivery] {
        Dictionary(consumers.map { ($0.name, $0.delivery) }) { first, _ in first }
    }

    /// What each consumer wants.
    var scopes: [String: EventScope] {
        consumers.reduce(into: [:]) { $0[$1.name] = $1.scope }
    }
}
