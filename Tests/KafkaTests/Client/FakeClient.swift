import Dispatch
import Glibc
import Synchronization
import TestSupport

@testable import Kafka

/// A client without librdkafka: it takes records as its test says, and says what its test has it say.
///
/// Ends the test when what a client asks of its producer is not kept: a call after the end, a second end.
final class FakeClient: ProducingClient {
    struct State {
        var room = Int.max
        /// The records that are refused, with the reason.
        var refusals: [UInt32: KafkaError] = [:]
        /// The indices that were offered, in order, and those that were taken.
        var offered: [UInt32] = []
        var taken: [UInt] = []
        var reported = 0
        var fatalError: KafkaError?
        var events: [(ClientEvent, [Report])] = []
        var steps: [String] = []
        var isEnded = false
        /// Whether giving up what is under way ends the instance, as librdkafka's promise of no gaps does.
        var failsWhenPurged = false
        var topics: [String: Int32] = [:]
        var kept: [String] = []
        /// How long brokers take to answer a question.
        var answerTime = Duration.zero
    }

    let state = Mutex(State())
    private let wakes = DispatchSemaphore(value: 0)

    init(room: Int = .max) { state.withLock { $0.room = room } }

    private func use<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        state.withLock { state in
            precondition(!state.isEnded, "a call after the client's end")
            return body(&state)
        }
    }

    func makeWriter() -> RecordWriter { RecordWriter(topics: TopicPointers()) }

    func take(_ record: inout RecordWriter) -> KafkaError? {
        let opaque = record.opaque
        return use { state in
            let index = UInt32(BatchSlots.parts(of: opaque).index)
            state.offered.append(index)
            if let refusal = state.refusals[index] { return refusal }
            if state.taken.count - state.reported >= state.room { return KafkaError(.queueFull) }
            state.taken.append(opaque)
            return nil
        }
    }

    var queueLength: Int { use { $0.taken.count - $0.reported } }

    var fatalError: KafkaError? { use { $0.fatalError } }

    func wake() { wakes.signal() }

    func poll(atMost limit: Duration, into reports: inout [Report]) -> ClientEvent? {
        _ = wakes.wait(timeout: .now() + .milliseconds(Int(limit.wholeMilliseconds)))
        let next = use { $0.events.isEmpty ? nil : $0.events.removeFirst() }
        guard let next else { return nil }
        reports += next.1
        return next.0
    }

    func purge(waits: Bool) {
        use { state in
            state.steps.append("purge")
            if state.failsWhenPurged, state.reported < state.taken.count {
                state.events.append((.error(KafkaError(.gapless, isFatal: true)), []))
            }
        }
        wakes.signal()
        report(.max, code: .purgedInQueue)
    }

    func flush(within limit: Duration) -> Bool {
        use { $0.steps.append("flush") }
        return true
    }

    func keep(topic name: String) -> Result<Int, KafkaError> {
        use { state in
            if let place = state.kept.firstIndex(of: name) { return .success(place) }
            state.kept.append(name)
            return .success(state.kept.count - 1)
        }
    }

    func metadata(ofTopicAt place: Int?, within limit: Duration) -> Result<[String: TopicMetadata], KafkaError> {
        let time = use { $0.answerTime }
        guard time <= limit else {
            usleep(UInt32(limit.wholeMilliseconds) * 1_000)
            return .failure(KafkaError(.timedOut))
        }
        usleep(UInt32(time.wholeMilliseconds) * 1_000)
        return use { state in
            let names = place.map { [state.kept[$0]] } ?? state.kept
            state.steps.append("ask " + names.joined(separator: ","))
            let found = names.compactMap { name in state.topics[name].map { (name, $0) } }
            return .success(
                Dictionary(uniqueKeysWithValues: found).mapValues {
                    TopicMetadata(partitionCount: $0, replicationFactor: 1, error: nil)
                })
        }
    }

    func end() {
        use { state in
            state.steps.append("end")
            state.isEnded = true
        }
    }

    // MARK: For tests

    /// Has so many of the oldest records reported.
    func report(_ count: Int, code: KafkaError.Code = .none) {
        use { state in
            let upper = state.reported + min(count, state.taken.count - state.reported)
            let reports = state.taken[state.reported..<upper].enumerated().map {
                Report(opaque: $1, offset: Int64(state.reported + $0), partition: 0, code: code.rawValue)
            }
            state.reported = upper
            if !reports.isEmpty { state.events.append((.reports(bytes: 0), reports)) }
        }
        wakes.signal()
    }

    func say(_ event: ClientEvent, _ reports: [Report] = []) {
        use { $0.events.append((event, reports)) }
        wakes.signal()
    }
}

/// Records without anything in them.
final class Blanks: RecordSource {
    let count: Int
    init(_ count: Int) { self.count = count }
    func fill(_ index: Int, _ record: inout RecordWriter) {}
}
