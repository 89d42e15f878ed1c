import Consumers
import EventSourcing
import FoundationEssentials
package import KafkaBridge
import Logging

/// The work behind `godwit verify`.
package struct Verifying: Sendable {
    private let configuration: Configuration
    private let place: JobContext

    package init(_ configuration: Configuration) throws(Failure) {
        self.configuration = configuration
        place = try JobContext(configuration)
    }

    /// What a comparison has found, and the state of the consumer that has still to deliver what is left.
    package struct Outcome: Sendable {
        package let report: VerificationReport
        /// The positions of all that are missing, ascending.
        package let missing: [Int64]
        /// What keeps the consumer from delivering; empty where nothing is known to, or nothing is left.
        package let obstacles: [HealthIssue]

        package init(report: VerificationReport, missing: [Int64], obstacles: [HealthIssue]) {
            self.report = report
            self.missing = missing
            self.obstacles = obstacles
        }
    }

    /// Compares what is committed with what was delivered.
    ///
    /// - Parameter observe: told now and then what part of the range is done, 0 to 1.
    package func run(
        _ consumer: String, request: SelectionRequest, options: Verification.Options,
        observe: (Double) -> Void = { _ in }
    ) async throws -> Outcome {
        try request.validate()
        let section = try place.consumer(consumer)
        let publishing = try place.publisherOptions(section, topic: request.topic)
        var options = options
        if case .deadLetterTopic(let topic) = section.onPoison, request.topic == nil { options.deadLetterTopic = topic }
        options.expectsEverything = request.topic != nil
        options.isBeginningAsked = request.fromPosition != nil || request.fromTime != nil
        let verification = try Verification(
            consumer: consumer, route: publishing.route, client: configuration.kafka.client("godwit-verify"),
            database: place.database, tables: place.tables, options: options, logger: place.logger)
        let selection = try request.selection(of: section)
        // A topic that does not exist has nothing in it, and no partition to read.
        var existing = publishing
        existing.topics = .mustExist
        let through = try await place.configuration.database.withConnection {
            try await place.settledEnd(of: request, on: $0)
        }
        try await BrokerCheck(existing).run()
        let result = try await verification.run(
            selection, after: request.after, through: through, observe: observe)
        var obstacles: [HealthIssue] = []
        // Elsewhere than in its own topic the consumer delivers nothing.
        if result.report[.pending].count > 0, request.topic == nil { obstacles = try await findObstacles(of: consumer) }
        return Outcome(report: result.report, missing: result.missing, obstacles: obstacles)
    }

    /// Why the consumer does not deliver, as `status` says it.
    private func findObstacles(of consumer: String) async throws -> [HealthIssue] {
        var options = StatusReport.Options()
        options.backlogLimit = 0
        let status = await StatusReport.take(configuration, options)
        if let failure = status.failure { throw failure }
        return status.consumers.first { $0.consumer.name == consumer }?.issues.filter(\.kind.holdsUp) ?? []
    }

    /// Publishes what is missing, as a job of its own.
    ///
    /// - Returns: the job; `nil` where nothing is missing.
    package func repair(
        _ result: Outcome, request: SelectionRequest,
        observe: @escaping @Sendable (JobProgress) -> Void
    ) async throws -> Job? {
        guard let first = result.missing.first, let last = result.missing.last else { return nil }
        let consumer = result.report.consumer
        let definition = JobDefinition(
            consumer: consumer, topic: request.topic, after: first - 1, askedThrough: last, isListed: true)
        let job = try await place.configuration.database.withConnection { connection in
            try await Jobs(connection, tables: place.tables, actor: CommandActor.current)
                .make(NewJob(Self.jobName(consumer), definition), through: last, listed: result.missing).job
        }
        return try await Republishing(configuration).run(job, observe: observe)
    }

    /// Such as `repair-identity-20261123T121503.250Z`.
    private static func jobName(_ consumer: String) -> String {
        let time = Date.now.formatted(
            Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted, includingFractionalSeconds: true))
        let name = consumer.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" }
        return "repair-\(String(name.prefix(60)))-\(time)"
    }
}
