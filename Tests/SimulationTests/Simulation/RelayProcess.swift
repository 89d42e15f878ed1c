import EventSourcing

@testable import Consumers
@testable import KafkaBridge

/// The process was killed.
struct Killed: Error {}

/// No answer came, or the session has ended.
struct Lost: Error {}

/// A simulated `godwit run`: its place in the network and in time. What it decides, the real values decide; the loops around them
/// stand for the actors that do the same with I/O.
final class RelayProcess: @unchecked Sendable {
    /// A connection to the database: what is sent on it arrives in order.
    final class Session: @unchecked Sendable {
        let number: Int
        let life: Int
        fileprivate var lastArrival = 0
        fileprivate var lastAnswer = 0

        init(_ number: Int, _ life: Int) { (self.number, self.life) = (number, life) }
    }

    let simulation: Simulation
    let index: Int
    /// Another one with each start.
    let name: String
    let terms: LeaseTerms
    /// How fast its clock runs.
    private let rate: Double
    /// Added to the wall clock.
    var wallOffset: Int64 = 0
    private(set) var isAlive = true
    private(set) var isStopping = false
    private var frozenUntil = 0
    private var cutFromDatabaseUntil = 0
    private var cutFromBrokersUntil = 0
    private var slowUntil = 0
    /// What its tasks wait for, in the order in which they began to.
    private var open: [Int: () -> Void] = [:]
    private var waits = 0
    // Set in the initializer, which has to have a self to give it.
    // swift-format-ignore: NeverUseImplicitlyUnwrappedOptionals
    private(set) var membership: RelayMembership! = nil
    // Set in the initializer, which has to have a self to give it.
    // swift-format-ignore: NeverUseImplicitlyUnwrappedOptionals
    private(set) var reader: RelayReader! = nil
    private(set) var consumers: [RelayConsumer] = []

    init(_ simulation: Simulation, index: Int, incarnation: Int, scope: EventScope) throws {
        self.simulation = simulation
        self.index = index
        name = "p\(index).\(incarnation)"
        terms = try LeaseTerms(beat: .milliseconds(400), stale: .seconds(3))
        rate = 1 + Double(simulation.draw(-100...100)) / 10_000
        membership = RelayMembership(self)
        reader = RelayReader(self)
        consumers = try RelayTables.consumers.indices.map {
            try RelayConsumer(self, $0, scope: $0 == 1 ? scope : .all)
        }
        simulation.note("\(name) starts")
        run { try await self.membership.run() }
        run { try await self.reader.run() }
        for consumer in consumers { consumer.start() }
    }

    // MARK: Time

    /// What its clock says.
    var clock: ContinuousClock.Instant { clock(at: simulation.now) }

    func clock(at time: Int) -> ContinuousClock.Instant {
        simulation.start.advanced(by: .microseconds(Int64(Double(time * 1_000) * rate)))
    }

    /// Milliseconds until its clock says so, at least.
    func milliseconds(until time: ContinuousClock.Instant) -> Int {
        let (seconds, attoseconds) = clock.duration(to: time).components
        return max(0, Int(Double(seconds * 1_000 + attoseconds / 1_000_000_000_000_000) / rate) + 1)
    }

    var moment: DeliveryState.Moment {
        DeliveryState.Moment(
            instant: clock, microseconds: 1_700_000_000_000_000 + Int64(simulation.now) * 1_000 + wallOffset)
    }

    /// Does something later: not while the process is stopped, and never once it was killed.
    func after(_ delay: Int, _ body: @escaping () -> Void) {
        simulation.after(delay) { [self] in deliver(body) }
    }

    private func deliver(_ body: @escaping () -> Void) {
        guard isAlive else { return simulation.uncount() }
        if frozenUntil > simulation.now { return simulation.at(frozenUntil) { [self] in deliver(body) } }
        body()
    }

    /// Begins a task of the process.
    func run(_ body: @escaping @Sendable () async throws -> Void) {
        Task(executorPreference: simulation.executor) { try? await body() }
    }

    func answer<Value>(_ begin: (Answer<Value>) -> Void) async throws -> Value {
        guard isAlive else { throw Killed() }
        let answer = Answer<Value>()
        waits += 1
        let wait = waits
        open[wait] = { answer.resume(.failure(Killed())) }
        defer { open[wait] = nil }
        begin(answer)
        let value = try await answer.wait()
        guard isAlive else { throw Killed() }
        return value
    }

    func sleep(_ milliseconds: Int) async throws {
        try await answer { (answer: Answer<Void>) in after(milliseconds) { answer.resume(.success(())) } }
    }

    // MARK: The database

    private func databaseDelay() -> Int {
        slowUntil > simulation.now ? simulation.draw(1...600) : simulation.draw(1...5)
    }

    private var isCutFromDatabase: Bool { cutFromDatabaseUntil > simulation.now || !simulation.database.isUp }

    func connect() async throws -> Session {
        try await answer { (answer: Answer<Session>) in
            if !isCutFromDatabase {
                simulation.after(databaseDelay()) { [self] in
                    guard let session = simulation.database.connect() else { return }
                    let life = simulation.database.life
                    after(databaseDelay()) {
                        if !self.isCutFromDatabase { answer.resume(.success(Session(session, life))) }
                    }
                }
            }
            giveUp(answer, after: 600)
        }
    }

    private func giveUp<Value>(_ answer: Answer<Value>, after delay: Int) {
        after(delay) { [simulation] in
            if answer.isDone { simulation.uncount() } else { answer.resume(.failure(Lost())) }
        }
    }

    /// Sends statements that are one message; each is carried out at an instant of its own.
    func ask<Value: Sendable>(
        _ session: Session?, statements: [(SimulatedDatabase) -> Void], _ last: @escaping (SimulatedDatabase) -> Value
    ) async throws -> Value {
        guard let session else { throw Lost() }
        return try await answer { (answer: Answer<Value>) in
            if !isCutFromDatabase {
                session.lastArrival = max(session.lastArrival, simulation.now + databaseDelay())
                simulation.at(session.lastArrival) { [self] in
                    carryOut(statements[...], last, session, answer)
                }
            }
            giveUp(answer, after: 1_000)
        }
    }

    func ask<Value: Sendable>(
        _ session: Session?, _ work: @escaping (SimulatedDatabase) -> Value
    ) async throws -> Value {
        try await ask(session, statements: [], work)
    }

    private func carryOut<Value: Sendable>(
        _ statements: ArraySlice<(SimulatedDatabase) -> Void>, _ last: @escaping (SimulatedDatabase) -> Value,
        _ session: Session, _ answer: Answer<Value>
    ) {
        guard simulation.database.lives(session.number) else {
            return after(1) { answer.resume(.failure(Lost())) }
        }
        if let first = statements.first {
            first(simulation.database)
            return simulation.after(simulation.draw(0...3)) { [self] in
                carryOut(statements.dropFirst(), last, session, answer)
            }
        }
        let value = last(simulation.database)
        if isCutFromDatabase { return }
        session.lastAnswer = max(session.lastAnswer, simulation.now + databaseDelay())
        simulation.at(session.lastAnswer) { [self] in
            deliver { if !self.isCutFromDatabase { answer.resume(.success(value)) } }
        }
    }

    /// Closes a session; the server may not notice for long.
    func close(_ session: Session?) {
        guard let number = session?.number else { return }
        let delay = isCutFromDatabase ? simulation.draw(0...3_000) : simulation.draw(0...5)
        simulation.after(delay) { [simulation] in simulation.database.end(number) }
    }

    // MARK: Brokers

    func brokerDelay() -> Int { slowUntil > simulation.now ? simulation.draw(1...200) : simulation.draw(1...6) }

    var losesToBrokers: Bool { cutFromBrokersUntil > simulation.now || simulation.brokers.isLosing }

    func askBrokers<Value: Sendable>(_ work: @escaping (SimulatedBrokers) -> Value) async throws -> Value {
        try await answer { (answer: Answer<Value>) in
            if !losesToBrokers {
                simulation.after(brokerDelay()) { [self] in
                    let value = work(simulation.brokers)
                    if losesToBrokers { return }
                    after(brokerDelay()) { answer.resume(.success(value)) }
                }
            }
            giveUp(answer, after: 300)
        }
    }

    // MARK: What happens to it

    func kill() {
        guard isAlive else { return }
        simulation.note("\(name) is killed")
        isAlive = false
        let sessions = [membership.session?.number, reader.session?.number]
        simulation.after(simulation.chance(70) ? simulation.draw(0...20) : simulation.draw(0...2_500)) { [simulation] in
            for session in sessions { simulation.database.end(session) }
        }
        for consumer in consumers { consumer.killed() }
        for (_, resume) in open.sorted(by: { $0.key < $1.key }) { resume() }
        open = [:]
    }

    /// Ends in order: what is under way is waited for, then segments are released.
    func stop() {
        guard isAlive, !isStopping else { return }
        simulation.note("\(name) is told to stop")
        isStopping = true
        for consumer in consumers { consumer.suspect() }
        run { [self] in
            for _ in 0..<100 where !consumers.allSatisfy(\.isReleased) { try await sleep(20) }
            try? await ask(membership.session) { [name] in $0.deregister(name) }
            kill()
        }
    }

    func freeze(_ time: Int) {
        simulation.note("\(name) is stopped for \(time) ms")
        frozenUntil = max(frozenUntil, simulation.now + time)
    }

    func cutFromDatabase(_ time: Int) {
        simulation.note("\(name) is cut from the database for \(time) ms")
        cutFromDatabaseUntil = max(cutFromDatabaseUntil, simulation.now + time)
    }

    func cutFromBrokers(_ time: Int) {
        simulation.note("\(name) is cut from brokers for \(time) ms")
        cutFromBrokersUntil = max(cutFromBrokersUntil, simulation.now + time)
    }

    func slow(_ time: Int) { slowUntil = max(slowUntil, simulation.now + time) }

    func heal() { (frozenUntil, cutFromDatabaseUntil, cutFromBrokersUntil, slowUntil) = (0, 0, 0, 0) }
}
