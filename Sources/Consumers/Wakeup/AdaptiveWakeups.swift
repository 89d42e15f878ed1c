import EventSourcing
import Postgres

/// One connection's worth of adaptive notification: asks for notifications and sleeps while events are few, takes the
/// request back and polls while they are many.
struct AdaptiveWakeups {
    let source: EventSource
    let listener: Listener
    let options: NotifyDispatcher.Options
    let requester: String

    private var requests: NotifyRequests { NotifyRequests(source.tables) }

    /// How often to look while events are many.
    static let busyInterval: Duration = .milliseconds(2)
    /// How long a request holds without being made again: a relay that died is notified in vain no longer.
    static let requestTime: Duration = .seconds(120)

    /// How often to look, without the database, whether the trigger can still be relied on.
    static let triggerInterval: Duration = .seconds(1)

    /// Whether inserts notify, as far as that matters.
    private var isReliable: Bool { !options.needsTrigger || source.wakeups.trigger?.isReliable == true }

    /// Wakes the consumers until the task is cancelled, the connection is lost, or the trigger cannot be relied on.
    func run() async throws {
        guard isReliable else { return }
        var demand = NotifyDemand(now: .now)
        do {
            while isReliable {
                try await sleep(&demand)
                try await poll(&demand)
            }
            // Nothing has notified of what came last.
            source.wakeups.wakeAll(.connection)
        } catch {
            // Bare tasks, because this one may be cancelled and the request should go all the same, if that is soon.
            let withdrawing = Task { _ = try? await listener.query(withdrawal) }
            let limit = Task {
                try await Task.sleep(for: .seconds(1))
                withdrawing.cancel()
            }
            await withdrawing.value
            limit.cancel()
            throw error
        }
    }

    private var withdrawal: BoundStatement { requests.withdraw(options.channel, requester: requester) }

    // MARK: Few events

    /// Asks, and wakes by notification until there are too many.
    private func sleep(_ demand: inout NotifyDemand) async throws {
        try await ask()
        var askedAt = ContinuousClock.now
        try await waitForUnaware(&demand)
        var heardAt = ContinuousClock.now
        while demand.isAsking, isReliable {
            let renewal = askedAt.advanced(by: Self.requestTime / 2)
            let fallback = heardAt.advanced(by: options.fallbackInterval)
            var time = ContinuousClock.now.duration(to: min(renewal, fallback))
            if options.needsTrigger { time = min(time, Self.triggerInterval) }
            let notifications = try await listener.next(within: max(.milliseconds(1), time))
            if !notifications.isEmpty || ContinuousClock.now >= fallback {
                source.wakeups.take(notifications)
                heardAt = .now
            }
            _ = demand.noted(notifications.count, now: .now)
            if ContinuousClock.now >= renewal {
                try await ask()
                askedAt = .now
            }
        }
        _ = try await listener.query(withdrawal)
    }

    private func ask() async throws(PostgresError) {
        _ = try await listener.query(
            requests.ask(options.channel, requester: requester, for: Self.requestTime))
    }

    /// Polls until every writer has ended that may have begun before it could see the request; then looks once more.
    /// From then on, every commit has notified.
    private func waitForUnaware(_ demand: inout NotifyDemand) async throws {
        var fence = SettledHorizon()
        var pause = PollBackoff(initial: .milliseconds(2), maximum: options.pollInterval, factor: 2)
        while true {
            if let writers = try await source.reader.tableWriters() { fence.look(lastDrawn: 1, writers: writers) }
            source.wakeups.wakeAll(.poll)
            if fence.position > 0 { return }
            let notifications = try await listener.next(within: pause.next())
            source.wakeups.takeControls(among: notifications)
            _ = demand.noted(notifications.count, now: .now)
            if !demand.isAsking || !isReliable { return }
        }
    }

    // MARK: Many events

    /// Looks every few milliseconds until there are few again.
    private func poll(_ demand: inout NotifyDemand) async throws {
        var seen: Int64 = -1
        var listenedAt = ContinuousClock.now
        while !demand.isAsking, isReliable {
            let latest = try await source.reader.look() ?? seen
            let isNew = latest != seen
            if isNew { source.wakeups.count(.poll) }
            seen = latest
            _ = demand.noted(isNew ? 1 : 0, now: .now)
            // Appends do not notify now, but changes of controls do.
            if ContinuousClock.now - listenedAt >= NotifyDemand.window {
                source.wakeups.takeControls(among: try await listener.next(within: .milliseconds(1)))
                listenedAt = .now
            }
            try await Task.sleep(for: Self.busyInterval)
        }
    }
}
