import EventSourcing

@testable import Kafka
@testable import KafkaBridge

/// librdkafka's producer, as far as delivery can notice: idempotent requests, several on their way to each partition, sent again
/// until they are answered or given up.
///
/// As librdkafka does, it takes an earlier request for delivered where a later one to the same partition was acknowledged: brokers
/// would have refused the later one. Of a producer that a broker does not know that is wrong.
final class SimulatedClient {
    struct Item {
        let batch: Int
        let index: Int
        let event: Int
    }

    private struct Request {
        let sequence: Int
        let items: [Item]
        var attempts = 0
        var isWaiting = false
    }

    private struct Lane {
        var queue: [Item] = []
        var requests: [Request] = []
        var next = 0
        /// Behind the last sequence that was acknowledged.
        var acknowledged = 0
    }

    private unowned let process: RelayProcess
    private let simulation: Simulation
    let transactionalID: String?
    private(set) var producer: Int
    private(set) var epoch = 0
    private var lanes: [SimulatedBrokers.Place: Lane] = [:]
    /// How many records each batch has here, and what was reported of them.
    private(set) var counts: [Int: Int] = [:]
    private var reports: [Int: [Int: KafkaError.Code?]] = [:]
    private(set) var failure: KafkaError?
    private var isClosed = false
    private var lastArrival = 0
    private var lastAnswer = 0
    /// Told after each report.
    var reported: () -> Void = {}

    private static let mostRequests = 5

    init(_ process: RelayProcess, transactionalID: String?) {
        self.process = process
        simulation = process.simulation
        self.transactionalID = transactionalID
        producer = simulation.brokers.newProducer()
    }

    func own(_ producer: Int, _ epoch: Int) { (self.producer, self.epoch) = (producer, epoch) }

    /// Whether everything that was given is acknowledged.
    var isFlushed: Bool { lanes.values.allSatisfy { $0.queue.isEmpty && $0.requests.isEmpty } }

    func give(_ feed: DeliveryState.Feed, topics: (Int) -> String) -> Int {
        guard failure == nil, !isClosed else { return 0 }
        let most = feed.records.count
        // Now and then the queue is full.
        let count = simulation.chance(4) ? simulation.draw(0...most) : most
        counts[feed.batch] = feed.source.count
        for place in 0..<count {
            let index = feed.records[place]
            let item = feed.source.items[index]
            let number = Account.number(feed.source.events[item.row].eventUUID)
            let partition = SimulatedBrokers.Place(topic: topics(item.topic.number), partition: Int(item.partition))
            lanes[partition, default: Lane()].queue.append(Item(batch: feed.batch, index: index, event: number))
            process.after(simulation.draw(0...3)) { [weak self] in self?.send(partition) }
        }
        return count
    }

    // MARK: Requests

    private func send(_ place: SimulatedBrokers.Place) {
        guard !isClosed, failure == nil, var lane = lanes[place], !lane.queue.isEmpty,
            lane.requests.count < Self.mostRequests, !lane.requests.contains(where: { $0.attempts > 1 || $0.isWaiting })
        else { return simulation.uncount() }
        let items = Array(lane.queue.prefix(simulation.draw(1...4)))
        lane.queue.removeFirst(items.count)
        lane.requests.append(Request(sequence: lane.next, items: items))
        lane.next += items.count
        lanes[place] = lane
        transmit(place, lane.next - items.count)
        if !lane.queue.isEmpty { process.after(1) { [weak self] in self?.send(place) } }
    }

    private func transmit(_ place: SimulatedBrokers.Place, _ sequence: Int) {
        guard !isClosed, let index = lanes[place]?.requests.firstIndex(where: { $0.sequence == sequence }) else {
            return simulation.uncount()
        }
        lanes[place]?.requests[index].attempts += 1
        lanes[place]?.requests[index].isWaiting = false
        guard let request = lanes[place]?.requests[index] else { return }
        let (attempt, events, producer, epoch) = (request.attempts, request.items.map(\.event), producer, epoch)
        let id = transactionalID
        if !process.losesToBrokers {
            // On one connection nothing overtakes anything.
            lastArrival = max(lastArrival, simulation.now + process.brokerDelay())
            simulation.at(lastArrival) { [simulation, weak self] in
                let produced = simulation.brokers.produce(
                    events, to: place, producer: producer, epoch: epoch, sequence: sequence, id: id)
                guard let self, !process.losesToBrokers else { return }
                lastAnswer = max(lastAnswer, simulation.now + process.brokerDelay())
                process.after(lastAnswer - simulation.now) { [weak self] in
                    self?.take(produced, place, sequence, attempt)
                }
            }
        }
        process.after(250) { [weak self] in self?.take(nil, place, sequence, attempt) }
    }

    /// An answer, or none in time.
    private func take(
        _ produced: SimulatedBrokers.Produced?, _ place: SimulatedBrokers.Place, _ sequence: Int, _ attempt: Int
    ) {
        guard !isClosed, failure == nil,
            let index = lanes[place]?.requests.firstIndex(where: { $0.sequence == sequence }),
            let request = lanes[place]?.requests[index], request.attempts == attempt, !request.isWaiting
        else { return simulation.uncount() }
        switch produced {
        case .appended, .duplicate: succeed(place, index)
        case .outOfOrder:
            if index == 0 { fail(place, index, .outOfOrderSequence) } else { again(place, index) }
        case .fenced: fail(place, index, .fenced)
        case .absent: fail(place, index, .unknownTopicOrPartition)
        case .rejected: fail(place, index, .invalidRecord)
        case .concurrent: again(place, index)
        case nil:
            if request.attempts > 5 { fail(place, index, .requestTimedOut) } else { again(place, index) }
        }
    }

    private func again(_ place: SimulatedBrokers.Place, _ index: Int) {
        guard let lane = lanes[place] else { return }
        // A later one was acknowledged.
        if lane.acknowledged > lane.requests[index].sequence { return succeed(place, index) }
        lanes[place]?.requests[index].isWaiting = true
        let sequence = lane.requests[index].sequence
        process.after(simulation.draw(5...30)) { [weak self] in self?.transmit(place, sequence) }
    }

    private func succeed(_ place: SimulatedBrokers.Place, _ index: Int) {
        guard let request = lanes[place]?.requests.remove(at: index) else { return }
        let end = request.sequence + request.items.count
        let before = lanes[place]?.acknowledged ?? 0
        lanes[place]?.acknowledged = max(before, end)
        for item in request.items { reports[item.batch, default: [:]][item.index] = .some(nil) }
        reported()
        process.after(0) { [weak self] in self?.send(place) }
    }

    private func fail(_ place: SimulatedBrokers.Place, _ index: Int, _ code: KafkaError.Code) {
        guard let request = lanes[place]?.requests[index] else { return }
        simulation.note("\(process.name): \(request.items.map(\.event)) to \(place.topic) \(place.partition): \(code)")
        for item in request.items { reports[item.batch, default: [:]][item.index] = .some(code) }
        lanes[place]?.requests.remove(at: index)
        failure = KafkaError(code)
        reported()
    }

    // MARK: Reports

    func acknowledged(_ batch: Int) -> Int { reports[batch]?.values.count { $0 == nil } ?? 0 }

    func forget(_ batch: Int) { (counts[batch], reports[batch]) = (nil, nil) }

    func forgetAll() { (counts, reports) = ([:], [:]) }

    /// Gives up what is not answered. What is on its way may be appended all the same.
    func close() -> [Int: RecordOutcomes] {
        isClosed = true
        var inFlight: Set<[Int]> = []
        for lane in lanes.values {
            for request in lane.requests { for item in request.items { inFlight.insert([item.batch, item.index]) } }
        }
        var outcomes: [Int: RecordOutcomes] = [:]
        for (batch, count) in counts {
            var outcome = RecordOutcomes(acknowledged: [Bool](repeating: false, count: count))
            for index in 0..<count {
                if let report = reports[batch]?[index] {
                    outcome.acknowledged[index] = report == nil
                    if let report { outcome.failures.append((index, report)) }
                } else if inFlight.contains([batch, index]) {
                    outcome.failures.append((index, .purgedInFlight))
                }
            }
            outcomes[batch] = outcome
        }
        return outcomes
    }
}
