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
    public func run() async throws {
        var backoff = Backoff(initial: options.reconnectInterval, maximum: options.maximumReconnectInterval)
        while true {
            do {
                let listener = try await Listener.open(
                    source.configuration.session(for: .listener), channels: [options.channel], logger: logger)
                do {
                    try await serve(listener) { backoff.reset() }
                } catch {
                    await listener.close()
                    throw error
                }
                await listener.close()
                return
            } catch {
                try Task.checkCancellation()
                if options.needsTrigger, let state = error.postgresError?.sqlState, state.isRefusal {
                    logger.warning(
                        "looking for events at each poll interval: notifications cannot be asked for: \(error)")
                    try await poll(for: .seconds(60))
                    continue
                }
                guard error.isRecoverable else { throw error }
                // That the database is away, the heartbeat reports.
                logger.log(
                    level: error.isDatabaseAway ? .debug : .warning,
                    "looking for events at each poll interval until LISTEN is possible again: \(error)")
                source.wakeups.wakeAll(.connection)
                // What is appended meanwhile is announced to nobody.
                try await poll(for: backoff.next())
            }
        }
    }

    /// Polls until it is worth trying to listen again.
    private func poll(for time: Duration) async throws {
        let polling = PollingDispatcher(source, interval: options.pollInterval, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await polling.run() }
            group.addTask { try await Task.sleep(for: time) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func serve(_ listener: Listener, _ connected: () -> Void) async throws {
        guard try await probe(listener) else {
            logger.warning(
                "LISTEN on this connection delivers nothing, as behind a transaction pooler: polling instead",
                metadata: ["channel": "\(options.channel)", "interval": "\(options.pollInterval)"])
            return try await PollingDispatcher(source, interval: options.pollInterval, logger: logger).run()
        }
        connected()
        source.wakeups.wakeAll(.connection)
        if options.isAdaptive {
            let requester = "\(listener.backendPID) \(UInt64.random(in: 0 ... .max))"
            let adaptive = AdaptiveWakeups(source: source, listener: listener, options: options, requester: requester)
            while true {
                try await adaptive.run()
                try await poll(listener)
            }
        }
        while true {
            source.wakeups.take(try await listener.next(within: options.fallbackInterval))
        }
    }

    /// Looks at each poll interval until the trigger can be relied on.
    private func poll(_ listener: Listener) async throws {
        var reported: TriggerSight?
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

    /// Notifies itself; `false` if that does not arrive.
    private func probe(_ listener: Listener) async throws -> Bool {
        let token = "godwit probe \(UInt64.random(in: 0 ... .max))"
        _ = try await listener.query("SELECT pg_notify($1, $2)", options.channel, token)
        let deadline = ContinuousClock.now.advanced(by: options.probeTimeout)
        while ContinuousClock.now < deadline {
            let received = try await listener.next(within: ContinuousClock.now.duration(to: deadline))
            if received.contains(where: { $0.payload == token }) { return true }
        }
        return false
    }
}

extension SQLState {
    /// The server does not let the role ask: a table or a right is missing, or it takes no writes.
    fileprivate var isRefusal: Bool { ["42", "25"].contains(errorClass) }
}
