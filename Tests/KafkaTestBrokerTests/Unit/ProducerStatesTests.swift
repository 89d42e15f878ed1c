import TestSupport
import Testing

@testable import KafkaTestBroker

@Suite("Producer states")
struct ProducerStatesTests {
    /// What a partition should know of one producer, written down the plain way.
    private struct Model {
        var epoch: Int16 = -1
        var accepted: [(sequence: Int32, count: Int32, offset: Int64)] = []

        func expected(_ epoch: Int16, _ sequence: Int32, _ count: Int32) -> ProducerStates.Verdict {
            let recent = accepted.suffix(5)
            if epoch == self.epoch, let known = recent.first(where: { $0.sequence == sequence && $0.count == count }) {
                return .duplicate(
                    .init(
                        lastSequence: known.sequence + known.count - 1,
                        lastOffset: known.offset + Int64(known.count) - 1,
                        offsetDelta: known.count - 1, timestamp: 0))
            }
            if self.epoch == -1 { return .append }
            if epoch < self.epoch { return .refuse(.invalidProducerEpoch) }
            if epoch > self.epoch { return sequence == 0 ? .append : .refuse(.outOfOrderSequenceNumber) }
            let next = accepted.last.map { $0.sequence + $0.count } ?? 0
            return sequence == next ? .append : .refuse(.outOfOrderSequenceNumber)
        }
    }

    @Test(arguments: 0..<20)
    func `thousands of histories are judged as the rules say`(_ seed: UInt64) throws {
        var random = Seeded(seed)
        for _ in 0..<100 {
            var states = ProducerStates()
            var models: [Int64: Model] = [:]
            var offset: Int64 = 0
            for _ in 0..<40 {
                let producer = Int64.random(in: 1...3, using: &random)
                let model = models[producer] ?? Model()
                let next =
                    model.accepted.last.map { $0.sequence + $0.count } ?? Int32.random(in: 0...20, using: &random)
                var epoch = max(0, model.epoch)
                var (sequence, count) = (next, Int32.random(in: 1...3, using: &random))
                switch Int.random(in: 0..<10, using: &random) {
                case 0: sequence += 1
                case 1, 2:
                    if let old = model.accepted.suffix(8).randomElement(using: &random) {
                        (sequence, count) = (old.sequence, old.count)
                    }
                case 3: epoch -= 1
                case 4: (epoch, sequence) = (epoch + 1, Bool.random(using: &random) ? 0 : sequence)
                default: break
                }
                if epoch < 0 { epoch = 0 }
                let header = try Batches.header(producer, epoch, sequence, count: count, at: offset)
                let verdict = states.judge(header)
                #expect(verdict == model.expected(epoch, sequence, count), "seed \(seed)")
                guard verdict == .append else { continue }
                states.record(header)
                var changed = model
                if epoch != model.epoch { changed.accepted = [] }
                changed.epoch = epoch
                changed.accepted.append((sequence, count, offset))
                models[producer] = changed
                offset += Int64(count)
            }
        }
    }

    @Test func `a sequence wraps past the largest number to zero`() throws {
        var states = ProducerStates()
        let across = try Batches.header(1, 0, Int32.max - 1, count: 3)
        #expect(across.lastSequence == 0)
        states.record(across)
        #expect(states.judge(try Batches.header(1, 0, 1, count: 1)) == .append)
        guard case .duplicate = states.judge(across) else { return #expect(Bool(false), "not recognised") }
    }

    @Test func `forgotten producers may begin anywhere; those with an open transaction are not forgotten`() throws {
        var states = ProducerStates()
        states.record(try Batches.header(1, 0, 0, count: 1))
        var transactional = try Batches.header(2, 0, 0, count: 1)
        transactional.attributes |= 0x10
        states.record(transactional)
        states.expire(now: 100, lifetime: 100)
        #expect(states.entries.keys.sorted() == [2])
        #expect(states.judge(try Batches.header(1, 0, 50, count: 1)) == .append)
        #expect(states.firstUnstableOffset == 0)
    }

    @Test func `a marker ends a transaction, raises the epoch, and fences the former one`() throws {
        var states = ProducerStates()
        var data = try Batches.header(7, 0, 0, count: 2, at: 10)
        data.attributes |= 0x10
        states.record(data)
        #expect(states.firstUnstableOffset == 10)
        let marker = TransactionMarker(producerID: 7, epoch: 1, commits: false, coordinatorEpoch: 0)
        #expect(states.judge(marker) == .none)
        #expect(states.record(marker, timestamp: 0) == 10)
        #expect(states.firstUnstableOffset == nil)
        #expect(states.judge(try Batches.header(7, 0, 2, count: 1)) == .refuse(.invalidProducerEpoch))
        #expect(states.judge(try Batches.header(7, 1, 2, count: 1)) == .refuse(.outOfOrderSequenceNumber))
        #expect(states.judge(try Batches.header(7, 1, 0, count: 1)) == .append)
    }
}
