import Glibc
import KafkaTestBroker
import LocalPostgres
import Postgres
import TestSupport

/// Breaks things by a schedule, and heals each before the next; the relays have to stand all of it.
actor Nemesis {
    private let world: World
    /// Its own ones, so that several can break things beside one another.
    private let relays: [Int]
    private var schedule: Schedule
    private(set) var performed: [Schedule.Step] = []
    private(set) var troubles: [String] = []
    private var objects = 0
    private var job: RunningCommand?

    init(_ world: World, relays: [Int], _ schedule: Schedule) {
        self.world = world
        self.relays = relays
        self.schedule = schedule
    }

    /// Whether something was done that may have at-least-once delivery publish again.
    var mayDouble: Bool { performed.contains { $0.disruption.expectation == .duplicates } }

    /// Breaks and heals until the time is over.
    func run(until end: ContinuousClock.Instant) async throws {
        while ContinuousClock.now < end {
            let step = schedule.next()
            try await Task.sleep(for: step.pause)
            try await perform(step)
        }
        if let job {
            job.send(SIGTERM)
            _ = await job.result()
        }
    }

    private func perform(_ step: Schedule.Step) async throws {
        performed.append(step)
        say("  \(step)")
        do {
            switch step.disruption {
            case .killed, .frozen, .terminated, .terminatedTwice, .rollingRestart: try await breakRelay(step)
            case .sessionsEnded, .backendKilled, .serverRestarted, .failedOver, .writerLeftOpen, .transactionPrepared,
                .tableRewritten,
                .columnAdded, .indexBuilt, .manyLocks:
                try await breakDatabase(step)
            case .databaseCut, .databaseSilent: try await breakNetwork(step)
            case .brokerFrozen, .brokerDown, .connectionsDropped, .produceRefused, .produceUnanswered, .produceHangs,
                .transactionRefused, .transactionUnanswered, .leaderMoved, .coordinatorMoved:
                if let broker = world.broker { try await breakBrokers(broker, step) }
            case .paused, .jobKilled: try await operate(step)
            }
        } catch let error as PostgresError {
            // The database of the nemesis is the one that it breaks.
            troubles.append("\(step): \(error)")
        }
    }

    // MARK: Relays

    private func breakRelay(_ step: Schedule.Step) async throws {
        let index = relays[step.choice % relays.count]
        switch step.disruption {
        case .killed:
            await world.signal(index, SIGKILL)
            try await Task.sleep(for: step.duration)
            try await world.replace(index, expected: [-SIGKILL])
        case .frozen:
            await world.signal(index, SIGSTOP)
            try await Task.sleep(for: step.duration)
            await world.signal(index, SIGCONT)
        case .terminated:
            await world.signal(index, SIGTERM)
            // A signal that comes before the process has set anything up just ends it.
            // Brokers that do not answer outlast the time that it has to end.
            try await world.replace(index, expected: [0, 3, -SIGTERM])
        case .terminatedTwice:
            await world.signal(index, SIGTERM)
            try await Task.sleep(for: step.duration)
            await world.signal(index, SIGTERM)
            try await world.replace(index, expected: [0, 3, -SIGTERM])
        default:
            for index in relays {
                await world.signal(index, SIGTERM)
                try await world.replace(index, expected: [0, 3, -SIGTERM])
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    // MARK: The database

    private func breakDatabase(_ step: Schedule.Step) async throws {
        objects += 1
        let mark = "\(relays[0])_\(objects)"
        switch step.disruption {
        case .sessionsEnded:
            try await execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name LIKE 'godwit%' AND pid <> pg_backend_pid()
                """)
        case .backendKilled:
            let connection = try await world.connect()
            let row = try await connection.query(
                Statement(
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid OFFSET $1 LIMIT 1"
                ),
                Int64(step.choice % 5)
            ).first
            await connection.close()
            if let row { kill(try row.decode(0, as: Int32.self), SIGKILL) }
        case .serverRestarted:
            // Nobody is connected to the former primary.
            if await !world.hasFailedOver { try await world.postgres.restart(.immediate) }
        case .failedOver:
            guard await !world.hasFailedOver else { return }
            do { try await world.failOver() } catch let error as TortureError {
                troubles.append("\(step): \(error)")
            }
        case .writerLeftOpen, .transactionPrepared:
            let connection = try await world.connect()
            try await connection.execute(
                script:
                    "BEGIN; SELECT nextval('events_global_position_seq'); SELECT nextval('events_global_position_seq')")
            if step.disruption == .transactionPrepared {
                try await connection.execute(script: "PREPARE TRANSACTION 'nemesis-\(mark)'")
            }
            try? await Task.sleep(for: step.duration)
            try await connection.execute(
                script: step.disruption == .transactionPrepared ? "ROLLBACK PREPARED 'nemesis-\(mark)'" : "ROLLBACK")
            await connection.close()
        case .tableRewritten: try await execute("SET lock_timeout = '2s'; VACUUM FULL events")
        case .columnAdded:
            try await execute("SET lock_timeout = '2s'; ALTER TABLE events ADD COLUMN added_\(mark) text")
        case .indexBuilt:
            try await execute("CREATE INDEX CONCURRENTLY torture_\(mark) ON events (created_at)")
            try await execute("DROP INDEX torture_\(mark)")
        default:
            let connection = try await world.connect()
            try await connection.execute(
                script: "BEGIN; SELECT count(pg_advisory_xact_lock(4711, n)) FROM generate_series(1, 10000) AS n")
            try? await Task.sleep(for: step.duration)
            try await connection.execute(script: "ROLLBACK")
            await connection.close()
        }
    }

    private func execute(_ script: String) async throws {
        let connection = try await world.connect()
        do {
            for statement in script.split(separator: ";") { try await connection.execute(script: String(statement)) }
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }

    private func breakNetwork(_ step: Schedule.Step) async throws {
        let proxy = await world.relays[relays[step.choice % relays.count]].proxy
        guard step.disruption == .databaseSilent else { return proxy.cut() }
        proxy.set(.silent)
        try await Task.sleep(for: step.duration)
        proxy.set(.open)
    }

    // MARK: Brokers

    private static let transactional: [RequestKind] = [
        .initProducerID, .addPartitionsToTxn, .endTxn, .findCoordinator,
    ]

    private func breakBrokers(_ broker: KafkaTestBroker, _ step: Schedule.Step) async throws {
        let kind = Self.transactional[step.choice % Self.transactional.count]
        let fault: Fault
        switch step.disruption {
        case .brokerFrozen:
            await broker.freeze()
            try await Task.sleep(for: step.duration)
            return await broker.thaw()
        case .brokerDown:
            await broker.takeDown()
            try await Task.sleep(for: step.duration)
            return await broker.bringUp()
        case .connectionsDropped: return await broker.disconnectAll()
        case .leaderMoved:
            for consumer in TorturedConsumer.allCases {
                await broker.moveLeader(ofTopic: consumer.topic(world.stem), to: Int32(step.choice % 3) + 1)
            }
            return
        case .coordinatorMoved:
            await broker.moveTransactionCoordinator(to: Int32(step.choice % 3) + 1, loading: .milliseconds(300))
            return
        case .produceRefused: fault = .init(.refuse(.notEnoughReplicas), on: .produce)
        case .produceUnanswered: fault = .init(.dropAnswer, on: .produce, count: 3)
        case .produceHangs: fault = .init(.hang, on: .produce, count: 2)
        case .transactionRefused:
            fault = .init(.refuse(kind == .findCoordinator ? .coordinatorNotAvailable : .notCoordinator), on: kind)
        default:
            fault =
                kind == .findCoordinator
                ? .init(.dropAnswer, on: kind, count: 2)
                : .init(.applyThenRefuse(.notCoordinator), on: kind, count: 2)
        }
        let number = await broker.inject(fault)
        try await Task.sleep(for: step.duration)
        await broker.removeFault(number)
    }

    // MARK: Operators

    private func operate(_ step: Schedule.Step) async throws {
        switch step.disruption {
        case .paused:
            let consumer = TorturedConsumer.allCases[step.choice % TorturedConsumer.allCases.count].rawValue
            try await expectSuccess(["pause", consumer])
            try await Task.sleep(for: step.duration)
            try await expectSuccess(["resume", consumer])
        default:
            if let job {
                job.send(SIGKILL)
                _ = await job.result()
            }
            let consumer = TorturedConsumer.once
            job = try await world.start(
                "republish", "--job", "torture-\(relays[0])", "--consumer", consumer.rawValue, "--to-topic",
                "\(world.stem).again\(relays[0])", "--rate", "2000")
            try await Task.sleep(for: step.duration)
        }
    }

    private func expectSuccess(_ arguments: [String]) async throws {
        let result = try await world.command(arguments, url: world.url).run()
        if result.exitCode != 0 { troubles.append("\(arguments.joined(separator: " ")): \(result.standardError)") }
    }
}
