/// The faults in force, and how often each has struck. No I/O, no clock.
struct FaultTable {
    /// A request, as far as faults look at it.
    struct Request {
        let kind: RequestKind
        let node: Int32
        var transactionalIDs: [String] = []
        let targets: [TopicPartition]
    }

    /// All that happens to one request.
    struct Plan {
        var injectedErrors: [InjectedError] = []
        var delay = Duration.zero
        var throttle = Duration.zero
        var disconnects = false
        /// How long after the end of its connection the request takes effect.
        var lateness: Duration?
        var ending = Ending.answer
        var markers = MarkerTiming()
    }

    /// What becomes of the answer.
    enum Ending {
        case answer, drop, hang, midFrame
    }

    private struct Entry {
        let number: Int
        var fault: Fault
        var seen = 0
        var hits = 0
    }

    private var entries: [Entry] = []
    private var hitsOfRemoved: [Int: Int] = [:]
    private var lastNumber = 0

    var isEmpty: Bool { entries.isEmpty }
    var faults: [(number: Int, fault: Fault, hits: Int)] { entries.map { ($0.number, $0.fault, $0.hits) } }

    mutating func add(_ fault: Fault) -> Int {
        lastNumber += 1
        entries.append(Entry(number: lastNumber, fault: fault))
        return lastNumber
    }

    mutating func remove(_ number: Int) {
        guard let index = entries.firstIndex(where: { $0.number == number }) else { return }
        hitsOfRemoved[number] = entries.remove(at: index).hits
    }

    mutating func removeAll() {
        for entry in entries { hitsOfRemoved[entry.number] = entry.hits }
        entries.removeAll()
    }

    func isInForce(_ number: Int) -> Bool { entries.contains { $0.number == number } }

    /// How many requests a fault has struck, also one that is gone.
    func hits(_ number: Int) -> Int {
        entries.first { $0.number == number }?.hits ?? hitsOfRemoved[number] ?? 0
    }

    /// Counts the request with the faults that match, and says what those due do to it.
    mutating func plan(for request: Request) -> Plan {
        var plan = Plan()
        for index in entries.indices {
            let fault = entries[index].fault
            guard let struck = Self.matches(fault, request) else { continue }
            entries[index].seen += 1
            guard entries[index].seen > fault.skip else { continue }
            if let count = fault.count, entries[index].hits >= count { continue }
            entries[index].hits += 1
            Self.apply(entries[index].number, fault.action, to: struck, &plan)
        }
        return plan
    }

    /// The partitions of the request that the fault strikes, [nil] for the request as a whole; nil if it does not match.
    private static func matches(_ fault: Fault, _ request: Request) -> [TopicPartition?]? {
        if let kind = fault.request, kind != request.kind { return nil }
        if let node = fault.node, node != request.node { return nil }
        if let id = fault.transactionalID, !request.transactionalIDs.contains(id) { return nil }
        guard fault.topic != nil || fault.partition != nil else { return [nil] }
        let struck = request.targets.filter { target in
            (fault.topic == nil || fault.topic == target.topic)
                // Requests about a topic as a whole have no partition.
                && (fault.partition == nil || target.partition == -1 || fault.partition == target.partition)
        }
        return struck.isEmpty ? nil : struck
    }

    private static func apply(_ number: Int, _ action: Fault.Action, to struck: [TopicPartition?], _ plan: inout Plan) {
        switch action {
        case .refuse(let code):
            plan.injectedErrors += struck.map { InjectedError(partition: $0, code: code, isAfterEffect: false) }
        case .applyThenRefuse(let code):
            plan.injectedErrors += struck.map { InjectedError(partition: $0, code: code, isAfterEffect: true) }
        case .dropAnswer: plan.ending = .drop
        case .hang: plan.ending = .hang
        case .disconnect: plan.disconnects = true
        case .disconnectMidFrame: plan.ending = .midFrame
        case .takeEffectLater(let duration): plan.lateness = max(plan.lateness ?? .zero, duration)
        case .delay(let duration): plan.delay += duration
        case .delayMarkers(let duration): plan.markers.delay(struck, by: duration)
        case .holdMarkers: plan.markers.hold(struck, fault: number)
        case .throttle(let duration): plan.throttle += duration
        }
    }
}

/// An error that a fault puts into an answer, for one partition or for all of the request.
struct InjectedError: Hashable {
    let partition: TopicPartition?
    let code: KafkaErrorCode
    /// Whether the request takes effect all the same.
    let isAfterEffect: Bool
}

/// What faults want of the markers that a request has written. No I/O, no clock.
struct MarkerTiming {
    private var delays: [(partition: TopicPartition?, delay: Duration)] = []
    private var holds: [(partition: TopicPartition?, fault: Int)] = []

    mutating func delay(_ struck: [TopicPartition?], by delay: Duration) {
        delays += struck.map { ($0, delay) }
    }

    mutating func hold(_ struck: [TopicPartition?], fault: Int) {
        holds += struck.map { ($0, fault) }
    }

    /// How long the marker waits; nil where no fault wants anything.
    func delay(_ target: MarkerTarget) -> Duration? {
        delays.filter { Self.matches($0.partition, target) }.map(\.delay).max()
    }

    /// The faults that hold the marker as long as they are in force.
    func holds(_ target: MarkerTarget) -> [Int] {
        holds.filter { Self.matches($0.partition, target) }.map(\.fault)
    }

    private static func matches(_ struck: TopicPartition?, _ target: MarkerTarget) -> Bool {
        struck == nil || struck == target.partition
    }
}
