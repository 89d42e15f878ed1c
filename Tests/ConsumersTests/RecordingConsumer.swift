import Consumers
import EventSourcing
import Synchronization
import Testing

/// An integration consumer that keeps what it was handed, and can be made to halt or to hold its acknowledgements.
final class RecordingConsumer: IntegrationConsumer {
    let name: String
    let scope: EventScope
    private let events = Mutex<[PersistedEvent]>([])
    private let recorded = WakeSignal()
    private let gate: Gate?
    private let haltsAt: Int64?
    private let state = Mutex(State())

    private struct State {
        var isFixed = false
        var served: [ServedSegment] = []
        var halts: [SegmentHalt] = []
        var attempts = 0
    }

    init(_ name: String = "recorder", scope: EventScope = .all, gate: Gate? = nil, haltsAt: Int64? = nil) {
        self.name = name
        self.scope = scope
        self.gate = gate
        self.haltsAt = haltsAt
    }

    func publish(_ batch: FeedBatch) async throws -> Publication {
        let (taken, halts) = state.withLock { state -> ([PersistedEvent], [SegmentHalt]) in
            let selected = batch.selection.filter { selected in
                guard let event = batch.events?[selected.index] else { return false }
                if event.globalPosition == haltsAt {
                    state.attempts += 1
                    if !state.isFixed {
                        state.halts.append(
                            SegmentHalt(segment: selected.segment, position: event.globalPosition, reason: "as told"))
                    }
                }
                return !state.halts.contains { $0.segment == selected.segment }
            }
            return (selected.compactMap { batch.events?[$0.index].event }, state.halts)
        }
        events.withLock { $0 += taken }
        recorded.wake()
        return Publication { [gate] in
            try await gate?.wait()
            return PublicationOutcome(halts: halts)
        }
    }

    func serve(_ segments: [ServedSegment]) {
        state.withLock { state in
            state.halts.removeAll { halt in
                !segments.contains { $0.segment == halt.segment && state.served.contains($0) }
            }
            state.served = segments
        }
    }

    /// From the next attempt on nothing is wrong any more.
    func fix() { state.withLock { $0.isFixed = true } }

    /// How often the event that it halts at was handed over.
    var attempts: Int { state.withLock { $0.attempts } }

    var all: [PersistedEvent] { events.withLock { $0 } }

    /// Waits until so many events are here.
    func wait(for count: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while all.count < count {
            try #require(
                ContinuousClock.now < deadline, "only \(all.count) of \(count) events came",
                sourceLocation: sourceLocation)
            _ = await recorded.wait(atMost: .seconds(1))
        }
    }
}

/// Holds acknowledgements back until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Throws when the task is cancelled.
    func wait() async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        } onCancel: {
            open()
        }
        try Task.checkCancellation()
    }
}
