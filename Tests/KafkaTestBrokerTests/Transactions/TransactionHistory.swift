import TestSupport
import Testing

@testable import KafkaTestBroker

/// Several transactional producers on one broker, with everything that can happen to them, chosen by a seed.
///
/// A producer is killed and replaced, and goes on as a zombie; answers are lost before and after the effect; markers come late;
/// transactions time out; the coordinator moves; the broker is killed. What was committed must show once, in order and whole,
/// what was aborted never, and nothing may stay open.
final class TransactionHistory {
    /// One transaction, as its client saw it.
    struct Attempt {
        enum Outcome { case open, committed, aborted, unknown }

        let number: Int
        let id: String
        /// Values whose write was acknowledged, by partition.
        var written: [TopicPartition: [String]] = [:]
        var offset: Int64?
        var outcome = Outcome.open
    }

    /// One process with a producer. When it is replaced it becomes a zombie that does not know.
    final class Client {
        let id: String
        let producer: BrokerHarness.Producer
        var sequences: [TopicPartition: Int32] = [:]
        var joined: Set<TopicPartition> = []
        var attempt: Int?
        /// Whether the process has given up; a zombie has not.
        var hasEnded = false

        init(id: String, producer: BrokerHarness.Producer) {
            self.id = id
            self.producer = producer
        }
    }

    static let partitions = (0..<3).map { TopicPartition(topic: "t", partition: Int32($0)) }
    static let offsetPartition = partitions[0]

    let harness: BrokerHarness
    private var random: Seeded
    private(set) var attempts: [Attempt] = []
    private(set) var violations: [String] = []
    private(set) var seen: [String: Int] = [:]
    private var clients: [Client?] = [nil, nil, nil]
    private var zombies: [Client] = []
    private var views: [TopicPartition: [String]] = [:]

    init(seed: UInt64) throws {
        random = Seeded(seed)
        var configuration = BrokerConfiguration()
        configuration.nodes = 2
        configuration.transactionCheckInterval = .milliseconds(20)
        configuration.transactionMarkerDelay = .milliseconds(2)
        harness = try BrokerHarness(configuration, directory: TemporaryDirectory())
        try harness.makeTopic("t", partitions: Self.partitions.count)
    }

    func run(steps: Int) throws {
        for number in 0..<steps {
            try step()
            // Reading everything is what takes most of the time.
            if number % 10 == 0 { try look() }
        }
        harness.broker.removeAllFaults()
        harness.advance(by: 3000)
        try look()
        try checkOutcomes()
    }

    private func count(_ what: String) { seen[what, default: 0] += 1 }

    private func step() throws {
        let slot = Int.random(in: 0..<clients.count, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: try write(clients[slot] ?? start(slot))
        case 45..<62: try end(clients[slot], commit: Int.random(in: 0..<4, using: &random) > 0)
        case 62..<68:
            if let client = clients[slot] { zombies.append(client) }
            clients[slot] = nil
            count("killed client")
        case 68..<74: try actAsZombie()
        case 74..<77: stray(clients[slot])
        case 77..<86: injectFault()
        case 86..<94: harness.advance(by: .random(in: 1...120, using: &random))
        case 94..<97: moveCoordinator()
        default:
            try harness.killAndRestart()
            count("killed broker")
        }
    }

    // MARK: What clients do

    private func start(_ slot: Int) throws -> Client? {
        let id = "id-\(slot)"
        for _ in 0..<20 {
            if let answer = try? harness.initialize(id, timeout: 300), answer.error == .none {
                let client = Client(id: id, producer: answer.producer)
                clients[slot] = client
                return client
            }
            // This process is killed too, while its predecessor's transaction is being aborted.
            if Int.random(in: 0..<3, using: &random) == 0 { return nil }
            harness.advance(by: 5)
        }
        return nil
    }

    private func write(_ client: Client?) throws {
        guard let client, !client.hasEnded else { return }
        if client.attempt == nil {
            client.attempt = attempts.count
            attempts.append(Attempt(number: attempts.count, id: client.id))
        }
        guard let number = client.attempt, let partition = Self.partitions.randomElement(using: &random) else { return }
        if !client.joined.contains(partition) {
            guard attempt({ try harness.add([partition], to: client.id, client.producer)[0] }) == .none else {
                return giveUp(client)
            }
            client.joined.insert(partition)
        }
        let value = "\(number)/\(Int.random(in: 0..<1_000_000_000, using: &random))"
        let sequence = client.sequences[partition] ?? 0
        let code = attempt {
            try harness.produce([value], to: partition, in: client.id, client.producer, sequence: sequence)
        }
        guard code == .none else { return giveUp(client) }
        client.sequences[partition] = sequence + 1
        attempts[number].written[partition, default: []].append(value)
        if Int.random(in: 0..<4, using: &random) == 0 { try commitOffset(client, number) }
    }

    private func commitOffset(_ client: Client, _ number: Int) throws {
        let (id, producer) = (client.id, client.producer)
        guard attempt({ try harness.addOffsets(of: id, to: id, producer) }) == .none,
            attempt({
                try harness.commitOffset(Int64(number), of: Self.offsetPartition, group: id, in: id, producer)
            }) == .none
        else { return giveUp(client) }
        attempts[number].offset = Int64(number)
    }

    /// Repeats a request as clients do, until it succeeds or the error is none that passes.
    private func attempt(_ request: () throws -> KafkaErrorCode) -> KafkaErrorCode {
        let passing: Set<KafkaErrorCode> = [
            .concurrentTransactions, .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator,
            .notEnoughReplicas,
        ]
        var last = KafkaErrorCode.unknownServerError
        for _ in 0..<6 {
            if let code = try? request() {
                if !passing.contains(code) { return code }
                last = code
            } else {
                count("lost answer")
            }
            harness.advance(by: 4)
        }
        return last
    }

    /// The process ends without ending its transaction, which the next producer of the id or the timeout aborts.
    private func giveUp(_ client: Client) {
        if let number = client.attempt, attempts[number].outcome == .open { attempts[number].outcome = .aborted }
        client.attempt = nil
        leave(client)
    }

    private func leave(_ client: Client) {
        client.hasEnded = true
        for slot in clients.indices where clients[slot] === client { clients[slot] = nil }
    }

    private func end(_ client: Client?, commit: Bool) throws {
        guard let client, let number = client.attempt else { return }
        let code = attempt { try harness.end(client.id, client.producer, commit: commit) }
        client.attempt = nil
        client.joined = []
        switch code {
        case .none: attempts[number].outcome = commit ? .committed : .aborted
        default:
            attempts[number].outcome = commit ? .unknown : .aborted
            leave(client)
        }
        count(code == .none ? (commit ? "committed" : "aborted") : "ended in doubt")
    }

    /// A record that belongs to no open transaction, such as one that a broken client sends, must not show or hang.
    private func stray(_ client: Client?) {
        guard let client, client.attempt == nil, let partition = Self.partitions.randomElement(using: &random),
            // An AddPartitionsToTxn that came late has begun a transaction of which the client knows nothing.
            harness.broker.transactions.transactions[client.id]?.state != .ongoing
        else { return }
        // Held back until the next transaction of the same epoch it would be part of that, as on Apache Kafka.
        harness.broker.removeAllFaults()
        let sequence = client.sequences[partition] ?? 0
        _ = try? harness.produce(["stray"], to: partition, in: client.id, client.producer, sequence: sequence)
        count("stray record")
    }

    private func actAsZombie() throws {
        guard let zombie = zombies.suffix(3).randomElement(using: &random) else { return }
        count("zombie")
        if Bool.random(using: &random) { try write(zombie) } else { try end(zombie, commit: true) }
    }

    // MARK: What happens to them

    private func injectFault() {
        let kinds: [RequestKind] = [
            .initProducerID, .addPartitionsToTxn, .addOffsetsToTxn, .txnOffsetCommit, .endTxn, .produce,
        ]
        let codes: [KafkaErrorCode] = [.notCoordinator, .coordinatorLoadInProgress, .coordinatorNotAvailable]
        let code = codes.randomElement(using: &random) ?? .notCoordinator
        let kind = kinds.randomElement(using: &random)
        let partition = Self.partitions.randomElement(using: &random)?.partition
        let late = Duration.milliseconds(Int.random(in: 1...150, using: &random))
        let faults = [
            Fault(.refuse(kind == .produce ? .notEnoughReplicas : code), on: kind, count: 1),
            Fault(.applyThenRefuse(kind == .produce ? .notEnoughReplicas : code), on: kind, count: 1),
            Fault(.dropAnswer, on: kind, count: 1), Fault(.disconnect, on: kind, count: 1),
            Fault(.delayMarkers(late), on: .endTxn, topic: "t", partition: partition, count: 1),
            Fault(.delayMarkers(late), on: .initProducerID, count: 1),
            // Not for EndTxn: a late one ends the next transaction of the same epoch, here as on Apache Kafka before
            // transaction.version 2.
            Fault(.takeEffectLater(late), on: kind == .endTxn ? .produce : kind, count: 1),
        ]
        if let fault = faults.randomElement(using: &random) { _ = harness.broker.faults.add(fault) }
    }

    private func moveCoordinator() {
        count("moved coordinator")
        _ = harness.broker.moveTransactionCoordinator(
            of: nil, to: .random(in: 1...2, using: &random),
            loading: .milliseconds(Int.random(in: 0...10, using: &random)))
    }

    // MARK: What readers see

    /// What a reader of committed data has seen once never changes, and only grows.
    private func look() throws {
        for partition in Self.partitions {
            let now = try harness.committed(partition)
            let before = views[partition] ?? []
            if !now.starts(with: before) { violations.append("\(partition): \(before) became \(now)") }
            views[partition] = now
        }
    }

    private func checkOutcomes() throws {
        for partition in Self.partitions {
            let ends = (
                try harness.endOffset(partition, committed: true), try harness.endOffset(partition, committed: false)
            )
            if views[partition]?.contains("stray") == true { violations.append("\(partition) shows a stray record") }
            if ends.0 != ends.1 { violations.append("\(partition) hangs at \(ends.0) of \(ends.1)") }
        }
        var offsets: [String: Int64] = [:]
        for attempt in attempts where !attempt.written.isEmpty {
            // A value of it that was not acknowledged counts as well: only what was aborted may be missing.
            let shown = Self.partitions.map { partition in
                (views[partition] ?? []).filter { $0.hasPrefix("\(attempt.number)/") }
            }
            let written = Self.partitions.map { attempt.written[$0] ?? [] }
            let isShown = shown == written
            switch attempt.outcome {
            case .committed where !isShown: violations.append("committed \(written) shows as \(shown)")
            case .unknown where !isShown && shown.contains { !$0.isEmpty }:
                violations.append("\(written), in doubt, shows as \(shown)")
            case .aborted where shown.contains { !$0.isEmpty }, .open where shown.contains { !$0.isEmpty }:
                violations.append("aborted \(written) shows as \(shown)")
            default: break
            }
            if isShown, let offset = attempt.offset { offsets[attempt.id] = offset }
        }
        for id in ["id-0", "id-1", "id-2"] {
            let offset = harness.broker.groups.group(id, create: false)?.offsets[Self.offsetPartition]?.offset
            if offset != offsets[id] { violations.append("offset of \(id): \(offset ?? -1), not \(offsets[id] ?? -1)") }
        }
    }
}
