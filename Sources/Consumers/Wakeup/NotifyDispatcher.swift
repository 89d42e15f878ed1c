public import Logging
import Postgres

/// Wakes the consumers of a process by LISTEN, on a connection of its own.
///
/// It wakes them at every notification, after each reconnection (what was sent meanwhile is lost), and after the
/// fallback interval without any. A pooler may take LISTEN and deliver nothing: the dispatcher notifies itself at each
/// start, and polls if that does not arrive.
public struct NotifyDispatcher: Sendable {
    private let source: EventSource
    private let options: Options
    private let logger: Logger

    /// How the dispatcher works.
    public struct Options: Sendable {
        /// The channel that appends notify.
        public var channel: String
        /// Whether appends notify only while asked to, which this dispatcher then does whenever events are few:
        /// `EventStore.Notify.adaptive`, or the trigger. False: they notify always.
        public var isAdaptive = false
        /// Whether to rely on notifications only while the trigger of the events table is there and no transaction can be
        /// prepared, and to poll otherwise; both are looked at with each heartbeat. Only where ``isAdaptive`` is true.
        public var needsTrigger = false
        /// Wakes the consumers when nothing came for so long; 30 s by default.
        public var fallbackInterval: Duration
        /// The first delay before connecting again; 5 s by default.
        public var reconnectInterval: Duration
        /// The longest delay before connecting again; 60 s by default.
        public var maximumReconnectInterval: Duration
        /// How long the notification to oneself may take; 5 s by default.
        public var probeTimeout: Duration
        /// How often to poll where notifications do not arrive; 200 ms by default.
        public var pollInterval: Duration

        /// The defaults, for a channel.
        public init(channel: String) {
            self.channel = channel
            fallbackInterval = .seconds(30)
            reconnectInterval = .seconds(5)
            maximumReconnectInterval = .seconds(60)
            probeTimeout = .seconds(5)
            pollInterval = .milliseconds(200)
        }
    }

    /// A dispatcher for the consumers of the source.
    public init(_ source: EventSource, options: Options, logger: Logger = Logger(label: "godwit.wakeup")) {
        self.source = source
        self.options = options
        self.logger = logger
    }

    /// Listens and wakes until the task is cancelled. A database that is away is waited for.
    ///
    /// While nothing listens, the source is looked at in each poll interval. The next attempt is made after a delay, or as
    /// soon as another connection of the process shows that the database is back.
    public func run() async throws {
        let returned = WakeSignal()
        source.wakeups.addForReturn(returned)
        defer { returned.close() }
        var backoff = Backoff(initial: options.reconnectInterval, maximum: options.maximumReconnectInterval)
        /// What is in the log as the reason that nothing listens.
        var reported: String?
        /// What is in the log as the reason not to rely on the trigger.
        var sight: TriggerSight?
        while true {
            var connected: ContinuousClock.Instant?
            do {
                guard let listener = try await open(orUntil: returned) else { continue }
                do {
                    try await serve(listener, orUntil: returned, reported: &sight) {
                        backoff.reset()
                        connected = .now
                        reported = nil
                    }
                } catch {
                    await listener.close()
                    throw error
                }
                await listener.close()
            } catch {
                try Task.checkCancellation()
                let text = "\(error)"
                let isNew = text != reported
                reported = text
                if options.needsTrigger, let state = error.postgresError?.sqlState, state.isRefusal {
                    logger.log(
                        level: isNew ? .warning : .debug,
                        "looking for events at each poll interval: notifications cannot be asked for: \(error)")
                    try await poll(for: .seconds(60), orUntil: returned)
                    continue
                }
                guard error.isRecoverable else { throw error }
                // That the database is away, the heartbeat reports.
                logger.log(
                    level: isNew && !error.isDatabaseAway ? .warning : .debug,
                    "looking for events at each poll interval until LISTEN is possible again: \(error)")
                source.wakeups.wakeAll(.connection)
                // One that has served for a while was lost, and the database may be there.
                if let connected, ContinuousClock.now - connected > Self.steadyTime { continue }
                try await poll(for: pause(after: error, &backoff), orUntil: returned)
            }
        }
    }

    /// A session that lasts as long is a good one.
    private static let steadyTime: Duration = .seconds(5)

    /// How long to wait before the next attempt. A server that answers, and has no room at the moment, is asked again soon:
    /// the process is not ready until then.
    private func pause(after error: any Error, _ backoff: inout Backoff) -> Duration {
        let pause = backoff.next()
        let isAnswer = error.postgresError?.sqlState != nil && error.isDatabaseAway
        return isAnswer ? min(pause, .seconds(2)) : pause
    }

    /// Polls until it is worth trying to listen again. What is appended meanwhile is announced to nobody.
    private func poll(for time: Duration, orUntil returned: WakeSignal) async throws {
        let polling = PollingDispatcher(source, interval: options.pollInterval, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await polling.run() }
            group.addTask { _ = await returned.wait(atMost: time) }
            defer { group.cancelAll() }
            try await group.next()
        }
        try Task.checkCancellation()
    }

    /// Connects and listens, and polls meanwhile: where nothing answers, that takes long.
    ///
    /// - Returns: `nil` if the attempt was abandoned, because the database is back and answers others.
    private func open(orUntil returned: WakeSignal) async throws -> Listener? {
        // What came while there was a listener is no reason to abandon the next one.
        returned.forget()
        return try await withThrowingTaskGroup(of: Listener?.self) { group in
            group.addTask {
                try await Listener.open(
                    source.configuration.session(for: .listener), channels: [options.channel], logger: logger)
            }
            group.addTask {
                try await poll(for: .seconds(3600), orUntil: returned)
                return nil
            }
            let first = await group.nextResult()
            group.cancelAll()
            while let other = await group.nextResult() {
                if case .success(let listener?) = other { await listener.close() }
            }
            return try first?.get() ?? nil
        }
    }

    /// Listens until the connection is lost; where notifications do not arrive, polls until the database was away and is
    /// back.
    private func serve(
        _ listener: Listener, orUntil returned: WakeSignal, reported: inout TriggerSight?, _ connected: () -> Void
    ) async throws {
        guard try await probe(listener) else {
            logger.warning(
                "LISTEN on this connection delivers nothing, as behind a transaction pooler: polling instead",
                metadata: ["channel": "\(options.channel)", "interval": "\(options.pollInterval)"])
            return try await poll(for: .seconds(3600), orUntil: returned)
        }
        connected()
        source.wakeups.wakeAll(.connection)
        if options.isAdaptive {
            let requester = "\(listener.backendPID) \(UInt64.random(in: 0 ... .max))"
            let adaptive = AdaptiveWakeups(source: source, listener: listener, options: options, requester: requester)
            while true {
                try await adaptive.run()
                try await poll(listener, reported: &reported)
                reported = nil
            }
        }
        while true {
            source.wakeups.take(try await listener.next(within: options.fallbackInterval))
        }
    }

    /// Looks at each poll interval until the trigger can be relied on.
    private func poll(_ listener: Listener, reported: inout TriggerSight?) async throws {
        var seen: Int64 = -1
        while true {
            if let trigger = source.wakeups.trigger {
                if trigger.isReliable { return }
                if trigger != reported {
                    logger.notice(
                        "looking for events at each poll interval: \(trigger.reason)",
                        metadata: ["interval": "\(options.pollInterval)"])
                    reported = trigger
                }
            }
            let latest = try await source.reader.look() ?? seen
            if latest != seen { source.wakeups.count(.poll) }
            seen = latest
            source.wakeups.takeControls(among: try await listener.next(within: options.pollInterval))
        }
    }

    /// Notifies itself, and has the source looked at meanwhile; `false` if that does not arrive.
    private func probe(_ listener: Listener) async throws -> Bool {
        let token = "godwit probe \(UInt64.random(in: 0 ... .max))"
        _ = try await listener.query("SELECT pg_notify($1, $2)", options.channel, token)
        let deadline = ContinuousClock.now.advanced(by: options.probeTimeout)
        while ContinuousClock.now < deadline {
            let left = ContinuousClock.now.duration(to: deadline)
            let received = try await listener.next(within: max(.milliseconds(1), min(options.pollInterval, left)))
            if received.contains(where: { $0.payload == token }) { return true }
            source.wakeups.wakeAll(.poll)
        }
        return false
    }
}

extension SQLState {
    /// The server does not let the role ask: a table or a right is missing, or it takes no writes.
    fileprivate var isRefusal: Bool { ["42", "25"].contains(errorClass) }
}
