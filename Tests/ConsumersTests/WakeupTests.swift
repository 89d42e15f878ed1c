import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

@Suite struct WakeupTests {
    private func notifying(_ test: TestStore, adaptive: Bool = false) -> WorkerOptions {
        var options = test.options
        var notify = NotifyDispatcher.Options(channel: test.tables.godwitSchema)
        notify.isAdaptive = adaptive
        notify.fallbackInterval = .seconds(3600)
        notify.reconnectInterval = .milliseconds(20)
        options.wakeupSource = .notify(notify)
        options.horizonInterval = .seconds(3600)
        return options
    }

    private func listenerPID(_ test: TestStore) async throws -> Int? {
        let connection = try await test.connect()
        defer { Task { await connection.close() } }
        return try await connection.query(
            """
            SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()
            AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify(%' OR query LIKE '%notify_requests%')
            """, "test \(test.tables.godwitSchema)"
        ).first?.decode(0)
    }

    @Test func `a notification wakes at once, also after the listening session was ended`() async throws {
        try await TestStore.with(notify: { .always(channel: $0) }) { test in
            let consumer = RecordingConsumer()
            let source = try test.source()
            let worker = try Worker(source, integrations: [consumer], options: notifying(test))
            try await test.running(worker, source) {
                try await test.appendOneEach(5)
                try await consumer.wait(for: 5)
                let killer = try await test.connect()
                for round in 1...3 {
                    var listener: Int?
                    try await eventually("nobody listens") {
                        listener = try await listenerPID(test)
                        return listener != nil
                    }
                    try await killer.query("SELECT pg_terminate_backend($1::int)", Int32(listener ?? 0))
                    // Lost with the session: what wakes is the reconnection.
                    try await test.appendOneEach(5)
                    try await consumer.wait(for: 5 + round * 5)
                }
                await killer.close()
            }
            #expect(consumer.all.map(\.globalPosition) == Array(1...20))
        }
    }

    @Test func `a listener that cannot be had is tried again as soon as the database is back`() async throws {
        try await TestStore.with { test in
            let source = try test.source()
            var options = NotifyDispatcher.Options(channel: test.tables.godwitSchema)
            options.reconnectInterval = .seconds(3600)
            options.maximumReconnectInterval = .seconds(3600)
            let dispatching = Task { [options] in
                try await NotifyDispatcher(source, options: options, logger: quiet).run()
            }
            defer { dispatching.cancel() }
            let killer = try await test.connect()
            for _ in 0..<2 {
                var listener: Int?
                try await eventually("nobody listens") {
                    listener = try await listenerPID(test)
                    return listener != nil
                }
                try await killer.query("SELECT pg_terminate_backend($1::int)", Int32(listener ?? 0))
                try await eventually("it lives") { try await listenerPID(test) != listener }
                try await Task.sleep(for: .milliseconds(300))
                #expect(try await listenerPID(test) == nil, "it is tried again too early to show anything")
                source.wakeups.databaseIsBack()
            }
            await killer.close()
        }
    }

    @Test func `signals that come while nobody waits make one`() async {
        let signal = WakeSignal()
        for _ in 0..<100 { signal.wake() }
        #expect(await signal.wait(atMost: .seconds(10)))
        #expect(await signal.wait(atMost: .milliseconds(1)) == false)
    }

    @Test func `without notifications the fallback wakes`() async throws {
        // Appends do not notify here.
        try await TestStore.with { test in
            let consumer = RecordingConsumer()
            let source = try test.source()
            var options = notifying(test)
            var notify = NotifyDispatcher.Options(channel: test.tables.godwitSchema)
            notify.fallbackInterval = .milliseconds(50)
            options.wakeupSource = .notify(notify)
            let worker = try Worker(source, integrations: [consumer], options: options)
            try await test.running(worker, source) {
                for round in 1...3 {
                    try await test.appendOneEach(5)
                    try await consumer.wait(for: round * 5)
                }
            }
        }
    }

    @Test func `adaptive appends notify while asked to, and not otherwise`() async throws {
        try await TestStore.with(notify: { .adaptive(channel: $0) }) { test in
            let listener = try await Listener.open(test.configuration, channels: [test.tables.godwitSchema])
            try await test.appendOneEach(3)
            #expect(try await listener.next(within: .milliseconds(50)).isEmpty)
            let requests = NotifyRequests(test.tables)
            let connection = try await test.connect()
            try await connection.query(
                requests.ask(test.tables.godwitSchema, requester: "me", for: .seconds(60)))
            try await test.appendOneEach(1)
            #expect(try await listener.next(within: .seconds(20)).count == 1)
            try await connection.query(requests.withdraw(test.tables.godwitSchema, requester: "me"))
            try await test.appendOneEach(1)
            #expect(try await listener.next(within: .milliseconds(50)).isEmpty)
            await listener.close()
            await connection.close()
        }
    }

    /// Those of sessions that ended without a word would be looked through by every insert.
    @Test func `who asks for notifications removes requests that have expired, and waits for none of them`()
        async throws
    {
        try await TestStore.with(notify: { .adaptive(channel: $0) }) { test in
            let (connection, other) = (try await test.connect(), try await test.connect())
            let table = "\"\(test.tables.godwitSchema)\".notify_requests"
            try await connection.execute(
                script: """
                    INSERT INTO \(table) SELECT 'any', 'dead ' || n, now() - interval '1 second' FROM generate_series(1, 30) AS n;
                    INSERT INTO \(table) VALUES ('any', 'alive', now() + interval '1 minute'),
                        ('any', 'locked', now() - interval '1 second'), ('any', 'me', now() - interval '1 second')
                    """)
            try await other.execute(
                script: "BEGIN; SELECT FROM \(table) WHERE requester = 'locked' FOR UPDATE")
            try await connection.execute(script: "SET lock_timeout = '1s'")
            try await connection.query(NotifyRequests(test.tables).ask("any", requester: "me", for: .seconds(60)))
            let left = try await connection.query(
                Statement("SELECT requester, expires_at > now() FROM \(table) ORDER BY 1"))
            #expect(try left.map { try $0.decode(0, as: String.self) } == ["alive", "locked", "me"])
            #expect(try left.map { try $0.decode(1, as: Bool.self) } == [true, false, true])
            await connection.close()
            await other.close()
        }
    }

    @Test func `the trigger notifies for writers that know nothing of it, while asked to`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let channel = test.tables.godwitSchema
            try await Schema(test.tables).installNotifyTrigger(channel: channel, on: connection)
            let listener = try await Listener.open(test.configuration, channels: [channel])
            try await test.appendOneEach(1)
            #expect(try await listener.next(within: .milliseconds(50)).isEmpty)
            try await connection.query(NotifyRequests(test.tables).ask(channel, requester: "me", for: .seconds(60)))
            try await test.appendOneEach(1)
            #expect(try await listener.next(within: .seconds(20)).count == 1)
            try await Schema(test.tables).removeNotifyTrigger(on: connection)
            try await test.appendOneEach(1)
            #expect(try await listener.next(within: .milliseconds(50)).isEmpty)
            await listener.close()
            await connection.close()
        }
    }

    @Test func `an adaptive relay misses nothing as it goes to sleep and wakes, over and over`() async throws {
        try await TestStore.with(notify: { .adaptive(channel: $0) }) { test in
            let consumer = RecordingConsumer()
            let source = try test.source()
            let worker = try Worker(source, integrations: [consumer], options: notifying(test, adaptive: true))
            try await test.running(worker, source) {
                var total = 0
                for round in 0..<6 {
                    // Bursts of many writers, and single appends: only notifications can wake for the latter.
                    let writers = round.isMultiple(of: 2) ? 8 : 1
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<writers { group.addTask { try await test.appendOneEach(writers * 10) } }
                        try await group.waitForAll()
                    }
                    total += writers * writers * 10
                    try await consumer.wait(for: total)
                }
                #expect(consumer.all.map(\.globalPosition) == consumer.all.map(\.globalPosition).sorted())
                #expect(Set(consumer.all.map(\.globalPosition)).count == total)
            }
            // Nothing is asked for once the relay is gone.
            let connection = try await test.connect()
            let left = try await connection.query(
                Statement("SELECT count(*) FROM \"\(test.tables.godwitSchema)\".notify_requests"))
            #expect(try left.first?.decode(0, as: Int.self) == 0)
            await connection.close()
        }
    }
}
