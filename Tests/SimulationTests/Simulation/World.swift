import EventSourcing
import TestSupport

@testable import Consumers
@testable import KafkaBridge

/// Carries out the entries of a plan: writers write, the nemesis breaks, operators decide.
final class World {
    let simulation: Simulation
    private let count: Int
    private var incarnations: [Int]
    private var lastDecision = -10_000
    /// What the consumer that delivers exactly once wants.
    private var scope = EventScope(aggregateTypes: ["t0"])

    init(_ simulation: Simulation, processes: Int) {
        self.simulation = simulation
        count = processes
        incarnations = Array(repeating: 0, count: processes)
        simulation.scopes[1] = scope
    }

    private var database: SimulatedDatabase { simulation.database }
    private var brokers: SimulatedBrokers { simulation.brokers }

    func start() throws { for index in 0..<count { try start(index) } }

    private func start(_ index: Int) throws {
        incarnations[index] += 1
        let process = try RelayProcess(simulation, index: index, incarnation: incarnations[index], scope: scope)
        simulation.processes.removeAll { $0.index == index && !$0.isAlive }
        simulation.processes.append(process)
    }

    private func startAgain(_ index: Int, after delay: Int) {
        simulation.after(delay) { [self] in
            if simulation.processes.contains(where: { $0.index == index && $0.isAlive }) { return }
            try? start(index)
        }
    }

    private func process(_ random: inout Seeded) -> RelayProcess? {
        simulation.processes.filter(\.isAlive).randomElement(using: &random)
    }

    func perform(_ what: Plan.What, _ random: inout Seeded) {
        simulation.note("— \(what.rawValue)")
        switch what {
        case .insert, .drawFirst, .savepoint, .drawOnly, .rollBack, .prepare, .copy, .copyRolledBack, .updateOnly,
            .longWriter:
            write(what, random)
        case .kill:
            guard let process = process(&random) else { return }
            process.kill()
            startAgain(process.index, after: .random(in: 20...1_500, using: &random))
        case .freeze:
            let most = [900, 4_000].randomElement(using: &random) ?? 900
            process(&random)?.freeze(.random(in: 100...most, using: &random))
        case .stop:
            guard let process = process(&random) else { return }
            process.stop()
            for delay in stride(from: 100, through: 4_000, by: 300) { startAgain(process.index, after: delay) }
        case .cutFromDatabase: process(&random)?.cutFromDatabase(.random(in: 100...3_000, using: &random))
        case .cutFromBrokers: process(&random)?.cutFromBrokers(.random(in: 100...2_000, using: &random))
        case .slow: process(&random)?.slow(.random(in: 500...3_000, using: &random))
        case .moveClock: process(&random)?.wallOffset = .random(in: -100_000_000_000...100_000_000_000, using: &random)
        case .endSessions:
            guard let process = process(&random) else { return }
            if Bool.random(using: &random) { database.end(process.reader.session?.number) }
            if Bool.random(using: &random) { database.end(process.membership.session?.number) }
        case .restart: away(.random(in: 0...400, using: &random)) { $0.restart() }
        case .failOver: away(.random(in: 0...400, using: &random)) { $0.failOver(losesCommits: false) }
        case .loseCommits:
            database.keepStandby()
            let pause = Int.random(in: 0...300, using: &random)
            simulation.after(.random(in: 20...1_200, using: &random)) { [self] in
                away(pause) { $0.failOver(losesCommits: true) }
            }
        case .truncate: truncate(attempts: 20)
        case .swapTable: database.swapTable()
        case .hideRows:
            database.hidesRows = true
            simulation.after(.random(in: 100...1_500, using: &random)) { [self] in database.hidesRows = false }
        case .databaseAway: away(.random(in: 100...2_500, using: &random)) { _ in }
        case .brokersDown: brokers.downUntil = simulation.now + .random(in: 100...2_000, using: &random)
        case .lossy:
            brokers.losses = (
                .random(in: 10...60, using: &random), simulation.now + .random(in: 300...3_000, using: &random)
            )
        case .deleteTopic:
            let topic = topic(&random)
            brokers.delete(topic)
            simulation.after(.random(in: 10...1_500, using: &random)) { [self] in brokers.create(topic) }
        case .growTopic: brokers.grow(topic(&random))
        case .poison: simulation.poisonsNext += 1
        case .rescope: rescope(.random(in: 0...1, using: &random) == 0)
        case .accept: operate(always: true)
        }
    }

    private func topic(_ random: inout Seeded) -> String {
        "\(RelayTables.consumers.randomElement(using: &random) ?? "least")-\(Account.types.randomElement(using: &random) ?? "plain")"
    }

    /// The server is away for a while, then something has happened to it.
    private func away(_ time: Int, _ body: @escaping (SimulatedDatabase) -> Void) {
        database.isUp = false
        simulation.after(time) { [database] in
            body(database)
            database.isUp = true
        }
    }

    private func truncate(attempts: Int) {
        if database.transactions.isEmpty, database.isUp { return database.truncate() }
        if attempts > 0 { simulation.after(60) { [self] in truncate(attempts: attempts - 1) } }
    }

    /// All processes end, and start with another scope of the consumer that delivers exactly once.
    private func rescope(_ isKill: Bool) {
        for process in simulation.processes where process.isAlive { process.kill() }
        simulation.after(30) { [self] in
            scope = scope.isAll ? EventScope(aggregateTypes: ["t1"]) : .all
            simulation.rescoped(to: scope)
        }
        for index in 0..<count { startAgain(index, after: 60 + index * 40) }
    }

    // MARK: Writers

    private func write(_ what: Plan.What, _ seed: Seeded) {
        var random = seed
        guard let number = database.begin() else { return }
        let pause = what == .longWriter ? 1_500 : [0, 3, 40, 200].randomElement(using: &random) ?? 0
        var time = 0
        func then(_ body: @escaping () -> Void) {
            time += Int.random(in: 0...max(1, pause), using: &random)
            simulation.after(time, body)
        }
        let count = what == .copy ? Int.random(in: 6...40, using: &random) : Int.random(in: 1...4, using: &random)
        let events = (0..<count).map { _ in
            (aggregate: Int.random(in: 0..<5, using: &random), type: Int.random(in: 0..<4, using: &random) == 0 ? 1 : 0)
        }
        let drawn = what == .copyRolledBack ? [300, 3_500, 25_000].randomElement(using: &random) ?? 300 : count
        if what == .updateOnly {
            then { [database] in database.with(number) { $0.holdsTable = true } }
            time += Int.random(in: 0...1_000, using: &random)
        } else {
            // The lock comes first, then the draw, then the row.
            then { [database] in database.with(number) { $0.holdsSequence = true } }
            if what == .copy || what == .copyRolledBack || what == .drawFirst || what == .drawOnly {
                then { [database] in database.draw(number, drawn) }
            }
        }
        if what != .drawOnly, what != .updateOnly {
            for event in events {
                then { [self] in insert(number, event.aggregate, event.type, draws: what != .drawFirst && what != .copy)
                }
                if what == .copy { time -= min(time, pause) }
            }
        }
        if what == .savepoint {
            then { [self] in rollBackToSavepoint(number) }
            then { [self] in insert(number, 0, 0, draws: true) }
        }
        if what == .prepare {
            let keeps = Bool.random(using: &random)
            then { [database] in database.prepare(number, keepsVirtualID: keeps) }
            time += Int.random(in: 10...1_200, using: &random)
        }
        let isRolledBack =
            what == .rollBack || what == .copyRolledBack
            || what == .prepare && Int.random(in: 0...3, using: &random) == 0
        if !isRolledBack { then { [database] in database.commit(number) } }
        then { [self] in finish(number) }
    }

    /// While the server is away a prepared transaction waits, and others have ended with it.
    private func finish(_ number: Int) {
        if !database.isUp { return simulation.after(100) { [self] in finish(number) } }
        database.end(transaction: number)
    }

    private func insert(_ number: Int, _ aggregate: Int, _ type: Int, draws: Bool) {
        if draws { database.draw(number, 1) }
        database.with(number) { transaction in
            guard !transaction.drawn.isEmpty, !transaction.isVisible else { return }
            transaction.holdsTable = true
            let position = transaction.drawn.removeFirst()
            let event = simulation.account.make(aggregate: aggregate, type: type)
            simulation.account.insert(event, at: position)
            transaction.inserted.append(event)
            if simulation.poisonsNext > 0 {
                simulation.poisonsNext -= 1
                brokers.poison.insert(event)
            }
        }
    }

    private func rollBackToSavepoint(_ number: Int) {
        database.with(number) { transaction in
            guard let last = transaction.inserted.popLast() else { return }
            simulation.account.end(last, .rolledBack)
        }
    }

    // MARK: The end

    func heal() {
        simulation.note("— all is healed")
        simulation.isHealing = true
        database.isUp = true
        database.hidesRows = false
        (brokers.downUntil, brokers.losses) = (0, (0, 0))
        for consumer in RelayTables.consumers { for type in Account.types { brokers.create("\(consumer)-\(type)") } }
        for process in simulation.processes { process.heal() }
        for index in 0..<count { startAgain(index, after: 100) }
    }

    /// What an operator does who looks at refusals.
    func operate(always: Bool = false) {
        guard database.isUp else { return }
        for index in 0..<count { startAgain(index, after: 0) }
        // What a standby had as prepared is nobody's.
        if simulation.isHealing, simulation.now > Plan.length + 4_000 {
            for transaction in database.state.prepared { database.end(transaction: transaction.number) }
        }
        let isRefused =
            database.state.tables.recorded.contains { $0.refusal != nil }
            || simulation.processes.contains { $0.isAlive && $0.reader.refusal != nil && !$0.reader.isReading }
        let isUnclear = simulation.processes.contains { process in
            process.isAlive && process.consumers.contains { $0.delivery.refusal != nil }
        }
        // One who has decided waits for what becomes of it.
        guard always || simulation.now > lastDecision + 1_500 else { return }
        if isRefused || isUnclear || always { lastDecision = simulation.now }
        if isRefused {
            database.accept(from: 0)
        } else if isUnclear || always {
            // Beyond the log it means nothing.
            let highest = database.state.tables.segments.joined().map(\.checkpoint).max() ?? 0
            database.accept(from: highest > database.state.lastDrawn ? 0 : nil)
        }
    }

    var isQuiet: Bool { unrest.isEmpty }

    /// What is still to come.
    var unrest: String {
        if !database.transactions.isEmpty { return "transactions are open" }
        if simulation.processes.count(where: \.isAlive) < count { return "processes are down" }
        for (consumer, scope) in simulation.scopes.enumerated() {
            for event in database.state.rows.values {
                let entry = simulation.account.entries[event]
                guard simulation.isWanted(event, by: scope) else { continue }
                let segment = simulation.segment(of: entry.aggregate, consumer)
                let row = database.state.tables.segments[consumer][segment]
                if row.checkpoint < entry.position {
                    return "\(consumer)/\(segment) is at \(row.checkpoint), and \(entry.position) is there"
                }
            }
        }
        if database.state.tables.recorded.contains(where: { $0.refusal != nil }) { return "the source is refused" }
        for process in simulation.processes {
            if !process.reader.isReading || process.reader.refusal != nil { return "\(process.name) does not read" }
            for consumer in process.consumers {
                if let refusal = consumer.delivery.refusal { return "\(process.name) refuses: \(refusal)" }
            }
            for consumer in process.consumers where !consumer.isQuiet {
                return "\(process.name)/\(consumer.index) works: \(consumer.delivery.state.status(now: process.moment))"
            }
        }
        return ""
    }
}
