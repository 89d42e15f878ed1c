@testable import Kafka
@testable import KafkaBridge

/// Kafka as far as it matters here: logs by partition, sequences by producer and epoch, transactions with a coordinator, markers
/// that come later than the answer to `EndTxn`, topics that are absent, deleted and grown.
final class SimulatedBrokers {
    struct Record {
        /// The event's number; `nil` for a segment's progress.
        let event: Int?
        let progress: SegmentProgress?
        let key: [UInt8]
        let transaction: Int?
    }

    struct Partition {
        var records: [Record] = []
        /// By producer id: the epoch, and the sequence that comes next.
        var producers: [Int: (epoch: Int, next: Int)] = [:]
        /// Transactions that have records here and no marker yet.
        var open: Set<Int> = []
        /// Those whose marker says that they are committed.
        var committed: Set<Int> = []
    }

    struct Coordinator {
        var producer: Int
        var epoch = 0
        var transaction: Int?
        var touched: Set<Place> = []
        /// Markers are being written.
        var isCompleting = false
        /// How the last transaction ended, by its number.
        var ends: [Int: Bool] = [:]
    }

    struct Place: Hashable, Sendable {
        let topic: String
        let partition: Int
    }

    enum Produced: Sendable {
        case appended, duplicate, outOfOrder, fenced, absent, concurrent, rejected
    }

    unowned let simulation: Simulation
    private(set) var topics: [String: [Partition]] = [:]
    private var coordinators: [String: Coordinator] = [:]
    private var numbers = 1_000
    /// All requests are lost until then.
    var downUntil = 0
    /// So many of a hundred requests and answers are lost until then.
    var losses = (percent: 0, until: 0)
    /// The events that brokers reject.
    var poison: Set<Int> = []
    static let progressTopic = "progress"

    init(_ simulation: Simulation) {
        self.simulation = simulation
        for consumer in RelayTables.consumers {
            for type in Account.types { topics["\(consumer)-\(type)"] = Array(repeating: Partition(), count: 2) }
        }
        topics[Self.progressTopic] = Array(repeating: Partition(), count: 2)
    }

    var isLosing: Bool {
        simulation.now < downUntil || simulation.now < losses.until && simulation.chance(losses.percent)
    }

    func newProducer() -> Int {
        numbers += 1
        return numbers
    }

    // MARK: Topics

    func partitionCount(_ topic: String) -> Int? { topics[topic]?.count }

    func delete(_ topic: String) {
        simulation.note("topic \(topic) is deleted")
        for record in topics[topic]?.flatMap(\.records) ?? [] {
            if let event = record.event { simulation.gone.insert(event) }
        }
        topics[topic] = nil
        for (id, coordinator) in coordinators {
            coordinators[id]?.touched = coordinator.touched.filter { $0.topic != topic }
        }
    }

    func create(_ topic: String, partitions: Int = 2) {
        if topics[topic] == nil { topics[topic] = Array(repeating: Partition(), count: partitions) }
    }

    func grow(_ topic: String) {
        guard let count = topics[topic]?.count, count < 4 else { return }
        simulation.note("topic \(topic) gets a partition")
        topics[topic]?.append(Partition())
    }

    // MARK: Records

    /// - Parameter id: the transactional id of a producer that has one.
    func produce(
        _ events: [Int], to place: Place, producer: Int, epoch: Int, sequence: Int, id: String?
    ) -> Produced {
        guard topics[place.topic].map({ place.partition < $0.count }) == true else { return .absent }
        if let id, let refusal = enter(id, producer, epoch, place) { return refusal }
        switch take(producer, epoch, sequence, count: events.count, at: place) {
        case .appended: break
        case let other: return other
        }
        if events.contains(where: { poison.contains($0) }) {
            return .rejected
        }
        let transaction = id.flatMap { coordinators[$0]?.transaction }
        topics[place.topic]?[place.partition].producers[producer] = (epoch, sequence + events.count)
        for event in events {
            topics[place.topic]?[place.partition].records.append(
                Record(event: event, progress: nil, key: [], transaction: transaction))
            simulation.appended(event, at: place)
            if transaction == nil { simulation.found(event, by: 0, at: place) }
        }
        return .appended
    }

    /// Whether a broker takes a producer's records: of one that it does not know it takes any sequence.
    private func take(_ producer: Int, _ epoch: Int, _ sequence: Int, count: Int, at place: Place) -> Produced {
        guard let known = topics[place.topic]?[place.partition].producers[producer] else { return .appended }
        if epoch < known.epoch { return .fenced }
        if epoch > known.epoch { return sequence == 0 ? .appended : .outOfOrder }
        return sequence == known.next ? .appended : sequence < known.next ? .duplicate : .outOfOrder
    }

    // MARK: Transactions

    /// Adds a partition to the transaction, which begins with it.
    private func enter(_ id: String, _ producer: Int, _ epoch: Int, _ place: Place) -> Produced? {
        guard var coordinator = coordinators[id], coordinator.producer == producer, coordinator.epoch == epoch else {
            return .fenced
        }
        if coordinator.isCompleting { return .concurrent }
        let number: Int
        if let open = coordinator.transaction {
            number = open
        } else {
            numbers += 1
            number = numbers
            simulation.after(6_000) { [weak self] in self?.expire(id, number) }
        }
        coordinator.transaction = number
        coordinator.touched.insert(place)
        coordinators[id] = coordinator
        topics[place.topic]?[place.partition].open.insert(number)
        return nil
    }

    private func expire(_ id: String, _ number: Int) {
        guard coordinators[id]?.transaction == number, coordinators[id]?.isCompleting == false else {
            return simulation.uncount()
        }
        coordinators[id]?.epoch += 1
        complete(id, isCommit: false)
    }

    /// The producer owns its id: others' open transaction is aborted. `nil` while markers are being written.
    func initialize(_ id: String) -> (producer: Int, epoch: Int)? {
        guard var coordinator = coordinators[id] else {
            let new = Coordinator(producer: newProducer())
            coordinators[id] = new
            return (new.producer, new.epoch)
        }
        if coordinator.isCompleting { return nil }
        if coordinator.transaction != nil {
            coordinator.epoch += 1
            coordinators[id] = coordinator
            complete(id, isCommit: false)
            return nil
        }
        coordinator.epoch += 1
        coordinators[id] = coordinator
        return (coordinator.producer, coordinator.epoch)
    }

    func addProgress(
        _ records: [(segment: Int, key: [UInt8], progress: SegmentProgress)], producer: Int, epoch: Int, id: String,
        sequence: Int
    ) -> Produced {
        for record in records {
            let place = Place(topic: Self.progressTopic, partition: record.segment)
            if let refusal = enter(id, producer, epoch, place) { return refusal }
            let transaction = coordinators[id]?.transaction
            // An attempt whose answer was lost.
            let isThere =
                topics[place.topic]?[place.partition].records.contains { $0.transaction == transaction } ?? false
            if isThere { continue }
            topics[place.topic]?[place.partition].records.append(
                Record(event: nil, progress: record.progress, key: record.key, transaction: transaction))
        }
        return .appended
    }

    enum Ended: Sendable { case ended, fenced, concurrent, nothing }

    /// Ends the transaction; the markers are written later.
    func end(_ id: String, producer: Int, epoch: Int, number: Int?, isCommit: Bool) -> Ended {
        guard let coordinator = coordinators[id], coordinator.producer == producer, coordinator.epoch == epoch else {
            return .fenced
        }
        if let number, let end = coordinator.ends[number] { return end == isCommit ? .ended : .nothing }
        guard coordinator.transaction != nil, !coordinator.isCompleting else { return .nothing }
        complete(id, isCommit: isCommit)
        return .ended
    }

    func openTransaction(_ id: String) -> Int? { coordinators[id]?.transaction }

    private func complete(_ id: String, isCommit: Bool) {
        guard let number = coordinators[id]?.transaction else { return }
        simulation.note("transaction \(number) of \(id) is \(isCommit ? "committed" : "aborted")")
        coordinators[id]?.isCompleting = true
        coordinators[id]?.ends[number] = isCommit
        var last = 0
        for place in (coordinators[id]?.touched ?? []).sorted(by: {
            ($0.topic, $0.partition) < ($1.topic, $1.partition)
        }) {
            let delay = simulation.draw(0...simulation.draw(0...40))
            last = max(last, delay)
            simulation.after(delay) { [weak self] in self?.mark(number, isCommit, at: place) }
        }
        simulation.after(last + 1) { [weak self] in
            self?.coordinators[id]?.isCompleting = false
            self?.coordinators[id]?.transaction = nil
            self?.coordinators[id]?.touched = []
        }
    }

    private func mark(_ number: Int, _ isCommit: Bool, at place: Place) {
        guard topics[place.topic].map({ place.partition < $0.count }) == true else { return }
        topics[place.topic]?[place.partition].open.remove(number)
        guard isCommit else { return }
        topics[place.topic]?[place.partition].committed.insert(number)
        for record in topics[place.topic]?[place.partition].records ?? [] where record.transaction == number {
            if let event = record.event { simulation.found(event, by: 1, at: place) }
        }
    }

    /// The last committed progress under a key; `nil` while an open transaction hides the end.
    func progress(_ segment: Int, _ key: [UInt8]) -> SegmentProgress?? {
        guard let partition = topics[Self.progressTopic]?[segment] else { return .some(nil) }
        if !partition.open.isEmpty { return nil }
        let last = partition.records.last {
            $0.key == key && $0.transaction.map { partition.committed.contains($0) } ?? true
        }
        return .some(last?.progress)
    }
}
