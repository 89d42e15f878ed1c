import EventSourcing
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Consumers

/// Owners under faults of sessions, networks and rows, with a real PostgreSQL.
@Suite struct OwnershipFaultTests {
    /// A worker under way that publishes slowly, and notes when.
    private struct Running {
        let worker: Worker
        let consumer: SlowConsumer
        let source: EventSource
        let task: Task<Void, any Error>

        init(
            _ test: TestStore, url: String? = nil, beat: Duration = .milliseconds(500), stale: Duration = .seconds(4),
            pause: Duration = .zero, gate: Gate? = nil
        ) throws {
            let name = "test \(test.tables.godwitSchema)"
            source = EventSource(
                try ConnectionConfiguration(url ?? test.url, applicationName: name), tables: test.tables,
                logger: .silent)
            consumer = SlowConsumer(pause: pause, gate: gate)
            var options = test.options
            options.heartbeatInterval = beat
            options.staleThreshold = stale
            options.batchSize = 10
            let worker = try Worker(source, integrations: [consumer], options: options)
            self.worker = worker
            task = Task { try await worker.run() }
        }

        var id: String { worker.id }
        var lease: Int? { worker.membership.lease(of: "recorder") }

        func stop() async throws {
            worker.stop()
            try await task.value
            await source.close()
        }

        /// Lets go without a word, as a process that is killed.
        func kill() async {
            task.cancel()
            _ = try? await task.value
            await source.close()
        }
    }

    private struct Segment: Equatable {
        let owner: String?
        let epoch: Int64
    }

    private func segments(_ test: TestStore, _ connection: Connection) async throws -> [Segment] {
        let sql = "SELECT owner_id, epoch FROM \(test.tables.consumerSegments.sql) ORDER BY segment_id"
        return try await connection.query(Statement(sql)).map {
            Segment(owner: try $0.decodeIfPresent(0), epoch: try $0.decode(1))
        }
    }

    private func waitForOwner(
        _ owner: String, count: Int = 4, _ test: TestStore, _ connection: Connection,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await eventually("it never owned \(count) segments", sourceLocation: sourceLocation) {
            try await segments(test, connection).count { $0.owner == owner } == count
        }
    }

    /// What the worker's row says of its lock: `session_lock`, whether others may take over early.
    private func lock(of worker: String, _ test: TestStore, _ connection: Connection) async throws -> [Bool] {
        let sql = """
            SELECT session_lock, takeover_after IS NOT NULL FROM \(test.tables.consumerWorkers.sql) WHERE worker_id = $1
            """
        let row = try await connection.query(Statement(sql), worker).first
        return try row.map { [try $0.decode(0), try $0.decode(1)] } ?? []
    }

    // MARK: The session lock

    @Test func `while another session has its lock, a worker's row says so, and nobody takes over early`() async throws
    {
        try await TestStore.with { test in
            let (connection, holder) = (try await test.connect(), try await test.connect())
            let owner = try Running(test)
            let take = Statement("SELECT pg_try_advisory_lock(hashtextextended('godwit worker ' || $1, 0))")
            // A race with the worker's first heartbeat, which takes the lock too; so that is ended once.
            try await waitForOwner(owner.id, test, connection)
            try await eventually("the lock never changed hands") {
                try await connection.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND application_name = $1 AND pid <> $2 AND query LIKE '%consumer_workers%'",
                    "test \(test.tables.godwitSchema)", holder.backendPID)
                return try await holder.query(take, owner.id).first?.decode(0) == true
            }
            try await eventually("the row says that the lock is held") {
                try await lock(of: owner.id, test, connection) == [false, false]
            }
            let other = try Running(test)
            try await waitForOwner(other.id, count: 2, test, connection)
            let before = try await segments(test, connection)
            // Ten beats, over which it would be taken over eight times if the lock counted.
            let end = ContinuousClock.now + .seconds(5)
            while ContinuousClock.now < end {
                try #require(try await segments(test, connection) == before)
                try await Task.sleep(for: .milliseconds(50))
            }
            // The old session ends: the lock is taken with the next beat.
            try await holder.query("SELECT pg_advisory_unlock_all()")
            try await eventually("the lock was never taken again") {
                try await lock(of: owner.id, test, connection) == [true, true]
            }
            #expect(try await segments(test, connection) == before)
            for running in [owner, other] { try await running.stop() }
            for connection in [connection, holder] { await connection.close() }
        }
    }

    @Test func `the server's side of the control session gives up a client that is cut off`() async throws {
        try await TestStore.with { test in
            let session = ControlSession(try test.configuration, patience: .seconds(1), logger: .silent)
            try await session.open()
            let settings = try await session.perform { connection in
                try await connection.query(
                    """
                    SELECT current_setting('tcp_keepalives_idle'), current_setting('tcp_keepalives_interval'),
                        current_setting('tcp_keepalives_count'), current_setting('lock_timeout')
                    """
                ).first.map { row in try (0..<4).map { try row.decode($0, as: String.self) } }
            }
            #expect(settings == ["4", "2", "2", "1s"])
            await session.close()
        }
    }

    // MARK: The network

    @Test(arguments: [true, false])
    func `an owner that is cut off stops before another starts`(isNoticed: Bool) async throws {
        try await TestStore.with { test in
            let (proxy, url) = try TestProxy.before(test.url)
            let connection = try await test.connect()
            try await test.appendOneEach(1500)
            // It has a queue that lasts for long beyond the cut.
            let owner = try Running(test, url: url, pause: .milliseconds(50))
            try await waitForOwner(owner.id, test, connection)
            try await eventually("it never published") { owner.consumer.last != nil }
            let cut = ContinuousClock.now
            proxy.set(.silent)
            if isNoticed { proxy.hangUp() }
            let other = try Running(test, pause: .milliseconds(50))
            try await waitForOwner(other.id, test, connection)
            try await eventually("the other never published") { other.consumer.first != nil }
            let (last, first) = (try #require(owner.consumer.last), try #require(other.consumer.first))
            #expect(last > cut, "it had something to publish")
            #expect(last < first)
            // Its limit is 1 s after the last beat; the others' 1.25 s where the server noticed, 4 s else.
            #expect(last - cut < .seconds(1.1))
            #expect(isNoticed ? first - cut < .seconds(3) : first - cut > .seconds(3))
            let count = owner.consumer.count
            try await Task.sleep(for: .seconds(1))
            #expect(owner.consumer.count == count, "nothing of its queue is published later")
            proxy.set(.silentForOld)
            proxy.close()
            try await other.stop()
            await owner.kill()
            await connection.close()
        }
    }

    // MARK: Rows

    @Test func `while a segment's row is locked, heartbeats go on`() async throws {
        try await TestStore.with { test in
            let (connection, locking) = (try await test.connect(), try await test.connect())
            let owner = try Running(test, beat: .seconds(2), stale: .seconds(30))
            try await waitForOwner(owner.id, test, connection)
            let lease = try #require(owner.lease)
            try await locking.execute(
                script: "BEGIN; SELECT FROM \(test.tables.consumerSegments.sql) WHERE segment_id = 0 FOR UPDATE")
            try await test.appendOneEach(50)
            let end = ContinuousClock.now + .seconds(8)
            while ContinuousClock.now < end {
                try #require(owner.lease == lease)
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try await test.checkpoints(of: "recorder").dropFirst().allSatisfy { $0 == 50 })
            try await locking.execute(script: "ROLLBACK")
            try await eventually("the checkpoint never followed") {
                try await test.checkpoints(of: "recorder") == [50, 50, 50, 50]
            }
            #expect(owner.consumer.count == 50)
            try await owner.stop()
            for connection in [connection, locking] { await connection.close() }
        }
    }

    @Test func `while its own row is locked, a worker's lease ends, nobody takes over, and it goes on afterwards`()
        async throws
    {
        try await TestStore.with { test in
            let (connection, locking) = (try await test.connect(), try await test.connect())
            let owner = try Running(test, beat: .seconds(2), stale: .seconds(30))
            try await waitForOwner(owner.id, test, connection)
            let other = try Running(test, beat: .seconds(2), stale: .seconds(30))
            try await waitForOwner(other.id, count: 2, test, connection)
            let (before, lease) = (try await segments(test, connection), try #require(owner.lease))
            try await locking.query("BEGIN")
            try await locking.query(
                Statement("SELECT FROM \(test.tables.consumerWorkers.sql) WHERE worker_id = $1 FOR UPDATE"), owner.id)
            let locked = ContinuousClock.now
            try await eventually("the lease never ended", within: .seconds(7)) { owner.lease == nil }
            #expect(ContinuousClock.now - locked < .seconds(4.5))
            let count = owner.consumer.count
            try await test.appendOneEach(50)
            try await Task.sleep(until: locked + .seconds(8), clock: .continuous)
            #expect(owner.lease == nil)
            #expect(owner.consumer.count == count)
            #expect(owner.consumer.served == [])
            #expect(try await segments(test, connection) == before)
            try await locking.query("ROLLBACK")
            try await eventually("there is no new lease", within: .seconds(5)) { owner.lease == lease + 1 }
            try await eventually("the events never came") { owner.consumer.count + other.consumer.count >= 50 }
            #expect(owner.consumer.count + other.consumer.count == 50)
            #expect(try await segments(test, connection) == before)
            for running in [owner, other] { try await running.stop() }
            for connection in [connection, locking] { await connection.close() }
        }
    }

    @Test func `what was not acknowledged when the lease ended is given up, and handed over again`() async throws {
        try await TestStore.with { test in
            let (connection, locking) = (try await test.connect(), try await test.connect())
            let gate = Gate()
            let owner = try Running(test, gate: gate)
            try await waitForOwner(owner.id, test, connection)
            try await test.appendOneEach(20)
            try await eventually("the events never came") { owner.consumer.count == 20 }
            let served = owner.consumer.served
            try await locking.execute(script: "BEGIN; SELECT FROM \(test.tables.consumerWorkers.sql) FOR UPDATE")
            try await eventually("nothing was given up") { owner.consumer.served == [] }
            try await locking.execute(script: "ROLLBACK")
            // What was answered for under the lease that has ended moves nothing.
            gate.open()
            try await eventually("the events never came again") { owner.consumer.count == 40 }
            try await eventually("the checkpoints never followed") {
                try await test.checkpoints(of: "recorder") == [20, 20, 20, 20]
            }
            let again = owner.consumer.served
            #expect(again.map(\.epoch) == served.map(\.epoch))
            #expect(zip(again, served).allSatisfy { $0.attempt > $1.attempt })
            try await owner.stop()
            for connection in [connection, locking] { await connection.close() }
        }
    }

    @Test func `the segments of a worker whose row was deleted are not freed while it has its session`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let owner = try Running(test)
            try await waitForOwner(owner.id, test, connection)
            let other = try Running(test)
            try await waitForOwner(other.id, count: 2, test, connection)
            let (before, lease) = (try await segments(test, connection), try #require(owner.lease))
            for _ in 0..<5 {
                try await connection.query(
                    Statement("DELETE FROM \(test.tables.consumerWorkers.sql) WHERE worker_id = $1"), owner.id)
                try await Task.sleep(for: .milliseconds(300))
            }
            try await eventually("it is no new lease") { (owner.lease ?? 0) > lease }
            try await eventually("the row never came back") {
                try await lock(of: owner.id, test, connection) == [true, true]
            }
            #expect(try await segments(test, connection) == before)
            for running in [owner, other] { try await running.stop() }
            await connection.close()
        }
    }

    @Test func `a statement that takes long gives way to heartbeats`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let owner = try Running(test, beat: .seconds(2), stale: .seconds(30))
            try await waitForOwner(owner.id, test, connection)
            let lease = try #require(owner.lease)
            let began = ContinuousClock.now
            let error = await #expect(throws: PostgresError.self) {
                try await owner.worker.membership.control.perform { _ = try await $0.query("SELECT pg_sleep(20)") }
            }
            #expect(error?.isDatabaseAway == true, "it is tried again")
            #expect(ContinuousClock.now - began < .seconds(4))
            #expect(owner.lease == lease)
            try await Task.sleep(for: .seconds(2))
            #expect(owner.lease == lease)
            try await owner.stop()
            await connection.close()
        }
    }
}

/// An integration consumer that takes its time, and notes when it has published what.
private final class SlowConsumer: IntegrationConsumer {
    let name = "recorder"
    let scope = EventScope.all
    private let pause: Duration
    private let gate: Gate?
    private let state = Mutex(State())

    private struct State {
        var count = 0
        var first: ContinuousClock.Instant?
        var last: ContinuousClock.Instant?
        var served: [ServedSegment] = []
    }

    init(pause: Duration, gate: Gate?) {
        self.pause = pause
        self.gate = gate
    }

    var count: Int { state.withLock { $0.count } }
    var first: ContinuousClock.Instant? { state.withLock { $0.first } }
    var last: ContinuousClock.Instant? { state.withLock { $0.last } }
    var served: [ServedSegment] { state.withLock { $0.served } }

    func serve(_ segments: [ServedSegment]) { state.withLock { $0.served = segments } }

    func publish(_ batch: FeedBatch) async throws -> Publication {
        state.withLock { state in
            state.count += batch.selection.count
            state.last = .now
            state.first = state.first ?? state.last
        }
        if pause > .zero { try await Task.sleep(for: pause) }
        return Publication { [gate] in
            try await gate?.wait()
            return .done
        }
    }
}
