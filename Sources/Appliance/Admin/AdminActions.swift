import Consumers
import EventSourcing
import KafkaBridge
import Logging
import Postgres

/// What can be changed over the admin port. Everything is audited with the name the request gives and its address.
struct AdminActions: Sendable {
    let configuration: Configuration
    /// Has this process notice at once.
    let notifyRelays: @Sendable () -> Void
    let logger: Logger

    /// What there is to do, as the path says it.
    enum Action: Sendable {
        case order(consumer: String, ControlChange)
        case redrive(consumer: String, position: Int64)
        case discard(consumer: String, position: Int64)
        case several(ParkedEvents.Decision, ParkedChoice)
        case logLevel(Logger.Level?)
        case makeJob(JobRequest)
        case job(String, JobAction)

        /// As a page confirms it.
        var note: String {
            switch self {
            case .order(_, let change): change.action
            case .redrive, .several(.redrive, _): "redrive"
            case .discard, .several(.discard, _): "discard"
            case .several(.park, _): "park"
            case .logLevel: "log-level"
            case .makeJob: "made"
            case .job(_, .resume): "job-resume"
            case .job(_, let action): action.rawValue
            }
        }

        /// The page that a form goes back to; `nil` where there is none.
        var page: String? {
            switch self {
            case .makeJob, .job: JobsPage.path
            case .logLevel: nil
            case .several: "/parked"
            case .order, .redrive, .discard: consumer.map { PageFrame.path(of: $0) }
            }
        }

        var consumer: String? {
            switch self {
            case .order(let consumer, _), .redrive(let consumer, _), .discard(let consumer, _): consumer
            case .logLevel, .makeJob, .job, .several: nil
            }
        }

        /// `nil` for a path where there is nothing to do.
        ///
        /// - Throws: `Failure` for fields that are wrong.
        init?(_ request: AdminRequest) throws(Failure) {
            let path = request.path
            guard path.first == "api" else { return nil }
            if path == ["api", "log-level"] {
                self = .logLevel(try Self.level(request.fields["level"]))
                return
            }
            if path == ["api", "jobs"] {
                self = .makeJob(try JobRequest(request.members, isForm: request.isForm))
                return
            }
            if path.count == 3, path[1] == "parked" {
                let decisions: [String: ParkedEvents.Decision] = [
                    "redrive": .redrive, "discard": .discard, "park": .park,
                ]
                guard let decision = decisions[path[2]] else { return nil }
                self = .several(decision, try ParkedChoice(request.members, isForm: request.isForm))
                return
            }
            if path.count == 4, path[1] == "jobs", let action = JobAction(rawValue: path[3]) {
                self = .job(path[2], action)
                return
            }
            guard path.count >= 4, path[1] == "consumers" else { return nil }
            let consumer = path[2]
            switch path.dropFirst(3) {
            case ["pause"]: self = .order(consumer: consumer, .pause)
            case ["resume"]: self = .order(consumer: consumer, .resume)
            case ["rate"]: self = .order(consumer: consumer, try ControlRequest.rate(request.fields["rate"] ?? ""))
            case ["rate", "off"]: self = .order(consumer: consumer, .rate(nil))
            default:
                guard path.count == 6, path[3] == "parked", let position = Int64(path[4]) else { return nil }
                switch path[5] {
                case "redrive": self = .redrive(consumer: consumer, position: position)
                case "discard": self = .discard(consumer: consumer, position: position)
                default: return nil
                }
            }
        }

        private static func level(_ text: String?) throws(Failure) -> Logger.Level? {
            if text == "default" { return nil }
            guard let level = text.flatMap({ Logger.Level(rawValue: $0) }) else {
                let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw Failure(.usage, "\"level\" must be one of \(levels), or \"default\"")
            }
            return level
        }
    }

    /// Does it, and says what holds then, whether something was made, and what was done of several decisions.
    func perform(
        _ action: Action, for request: AdminRequest, by caller: AdminCaller
    ) async throws -> (JSONValue, isNew: Bool, outcome: ParkedOutcome?) {
        let actor = Self.actor(request, caller)
        let result: JSONValue
        switch action {
        case .order(let consumer, let change):
            result = try await ControlRequest(consumer: consumer, change: change, actor: actor)
                .give(configuration.choose(source: nil, consumer: consumer)).json
        case .redrive(let consumer, let position):
            result = try await decide(consumer) { letters, connection in
                try await letters.requestRedrive(
                    DeadLetterSelection(position: position), of: consumer, actor: actor, on: connection)
            }
        case .discard(let consumer, let position):
            result = try await decide(consumer) { letters, connection in
                try await letters.discard(
                    DeadLetterSelection(position: position), of: consumer, actor: actor, on: connection)
            }
        case .several(let decision, let choice):
            let outcome = try await decideSeveral(decision, choice, actor)
            notifyRelays()
            return (outcome.json, false, outcome)
        case .logLevel(let level): return (await setLevel(level, actor), false, nil)
        case .makeJob(let request):
            let (made, isNew) = try await make(request, actor)
            return (made, isNew, nil)
        case .job(let name, let change):
            let control = JobControl(configuration, actor: actor)
            switch change.request {
            case nil:
                result = JobReport(try await control.again(name)).json
                notifyRelays()
                return (result, true, nil)
            case let request?: result = JobReport(try await control.change(name, request).job).json
            }
        }
        notifyRelays()
        return (result, false, nil)
    }

    /// A request is answered within seconds, also where there is much to count.
    private static let patience: Duration = .seconds(3)

    private func make(_ request: JobRequest, _ actor: String) async throws -> (JSONValue, isNew: Bool) {
        let order = request.order
        let source = try configuration.choose(source: nil, consumer: order.consumer)
        let work = try Republishing(source, actor: actor, patience: Self.patience)
        if request.isDryRun {
            let report = try await work.count(
                nil, consumer: order.consumer, request: order.selection, limit: Self.patience)
            return (report.json, false)
        }
        let (job, isNew) = try await work.make(order)
        if isNew { notifyRelays() }
        return (JobReport(job).json, isNew)
    }

    /// What can be done with a job, as the path says it.
    enum JobAction: String, Sendable, CaseIterable {
        case stop, resume, cancel, again

        /// `nil` where another job is made.
        var request: JobLife.Request? { JobLife.Request(rawValue: rawValue) }
    }

    /// `ada (admin 10.0.0.7)`: who the request says it is, which is only a claim, and where it comes from.
    static func actor(_ request: AdminRequest, _ caller: AdminCaller) -> String {
        // Of a session, it is who signed in.
        let given = caller.name.isEmpty ? request.fields["actor"] ?? "" : caller.name
        let name = LogLine.harmless(String(given.prefix(80)))
        let origin = "admin \(request.remote)"
        return name.isEmpty ? origin : "\(name) (\(origin))"
    }

    private func decide(
        _ consumer: String, _ body: (DeadLetters, Connection) async throws -> [DeadLetter]
    ) async throws -> JSONValue {
        let configuration = try configuration.choose(source: nil, consumer: consumer)
        let letters = try await configuration.database.withConnection {
            try await body(DeadLetters(configuration.database.tables), $0)
        }
        return ["changed": .number(letters.count), "positions": .array(letters.map { .number($0.position) })]
    }

    /// Decides about several, an aggregate or a consumer at once, each in a transaction. What cannot be decided keeps nothing else from
    /// it.
    ///
    /// - Throws: `DecisionsCutShort` where it fails after some were decided about.
    func decideSeveral(
        _ decision: ParkedEvents.Decision, _ choice: ParkedChoice, _ actor: String
    ) async throws -> ParkedOutcome {
        // All are checked before the first is decided about.
        var sources: [Configuration] = []
        for part in choice.byConsumer {
            sources.append(try configuration.choose(source: choice.source, consumer: part.consumer))
        }
        var outcome = ParkedOutcome()
        for (part, source) in zip(choice.byConsumer, sources) {
            let (done, cause) = await decide(decision, part.selections, of: part.consumer, source, actor)
            outcome.add(done)
            guard let cause else { continue }
            if outcome.isEmpty { throw cause }
            notifyRelays()
            throw DecisionsCutShort(outcome: outcome, cause: cause)
        }
        return outcome
    }

    /// What was done of a consumer's, and what cut it short.
    private func decide(
        _ decision: ParkedEvents.Decision, _ selections: [DeadLetterSelection], of consumer: String,
        _ source: Configuration, _ actor: String
    ) async -> (ParkedOutcome, (any Error)?) {
        let letters = DeadLetters(source.database.tables)
        do {
            return try await source.database.withConnection { connection -> (ParkedOutcome, (any Error)?) in
                var outcome = ParkedOutcome()
                for selection in selections {
                    do {
                        switch decision {
                        case .redrive:
                            outcome.add(
                                try await letters.requestRedrive(selection, of: consumer, actor: actor, on: connection))
                        case .discard:
                            outcome.add(
                                try await letters.discard(selection, of: consumer, actor: actor, on: connection))
                        case .park:
                            outcome.add(try await letters.park(selection, of: consumer, actor: actor, on: connection))
                        }
                    } catch let error as DeadLetterError {
                        outcome.refuse(selection, of: consumer, error)
                    } catch {
                        return (outcome, error)
                    }
                }
                return (outcome, nil)
            }
        } catch {
            return (ParkedOutcome(), error)
        }
    }

    /// Holds for this process until it ends. A database that is away must not keep anybody from looking into why, so it is
    /// audited as far as that is possible, and logged always.
    private func setLevel(_ level: Logger.Level?, _ actor: String) async -> JSONValue {
        LogLevelSwitch.level = level
        let name = level?.rawValue ?? "default"
        logger.notice("the log level is \(name) now", metadata: ["actor": "\(actor)"])
        let entry = AuditEntry(
            actor: actor, action: "log-level", subject: "process \(CommandActor.current)", details: name)
        for configuration in configuration.bySource {
            do {
                let record = AuditLog(configuration.database.tables).record(entry)
                try await configuration.database.withConnection { _ = try await $0.query(record) }
            } catch {
                logger.warning("the change of the log level could not be audited: \(error)")
            }
        }
        return ["log_level": .string(name)]
    }
}
