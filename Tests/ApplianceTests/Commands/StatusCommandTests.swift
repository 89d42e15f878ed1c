import EventSourcing
import Glibc
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `godwit status`, beside relays and without any.
@Suite struct StatusCommandTests {
    private func status(
        _ place: RelayFixture, _ arguments: String..., variables: [String: String] = [:]
    ) async throws -> Command.Result {
        var command = Command.godwit(environment: place.variables.merging(variables) { $1 })
        command.arguments = ["status"] + arguments
        return try await command.run()
    }

    private func consumer(_ result: Command.Result) throws -> JSONValue {
        let json = try JSONParser.parse(result.standardOutput)
        guard case .array(let consumers)? = json["consumers"], let identity = consumers.first else {
            throw Failure(.internalError, result.standardOutput + result.standardError)
        }
        return identity
    }

    private func kinds(_ consumer: JSONValue) -> [String] {
        guard case .array(let why)? = consumer["why"] else { return ["?"] }
        return why.compactMap { if case .string(let kind)? = $0["kind"] { kind } else { nil } }
    }

    @Test(.timeLimit(.minutes(2)))
    func `it shows a consumer's life: never started, working, paused, left alone`() async throws {
        try await RelayFixture.with { place in
            let never = try await status(place)
            #expect(never.exitCode == 4, "\(never.standardError)")
            #expect(never.standardOutput.contains("identity  not started"))
            // Nobody knows what will wait for it before it has begun.
            let unknown = try consumer(try await status(place, "--json"))
            #expect(unknown["lag_events"] == .null && unknown["lag_exact"] == .null && unknown["lag_seconds"] == .null)

            let relay = try place.run(["GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms"])
            let ids = try await place.append(30)
            _ = try await place.receive(ids)
            try await eventually("it is healthy and has no lag") {
                let result = try await status(place, "--json")
                return try result.exitCode == 0 && consumer(result)["lag_events"] == 0
            }
            let text = try await status(place).standardOutput
            #expect(text.contains("identity  up to date    4/4    0       –"), "\(text)")

            var pause = Command.godwit(environment: place.variables)
            pause.arguments = ["pause", "identity"]
            _ = try await pause.run()
            #expect(await relay.waitForError("paused by its controls"))
            _ = try await place.append(7, from: 30)
            let paused = try await status(place, "--json")
            #expect(paused.exitCode == 0, "what was ordered is no illness")
            let identity = try consumer(paused)
            #expect(kinds(identity) == ["paused"] && identity["paused"] == true && identity["lag_events"] == 7)
            guard case .number(let seconds)? = identity["lag_seconds"], let age = Double(seconds) else {
                throw Failure(.internalError, paused.standardOutput)
            }
            #expect(age > 0 && age < 60)
            #expect(try await status(place, "--max-lag", "1us", "--quiet").exitCode == 4)
            #expect(try await status(place, "--max-lag", "1h", "--quiet").exitCode == 0)

            relay.send(SIGTERM)
            _ = await relay.result()
            let alone = try await status(place, "--json")
            #expect(alone.exitCode == 4)
            #expect(try kinds(consumer(alone)) == ["no_owner", "paused"])
            let quiet = try await status(place, "--quiet")
            #expect(quiet.exitCode == 4 && quiet.standardOutput.isEmpty && quiet.standardError.isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `it knows the segments of all processes, also by the admin port of one, and what the process says of itself`()
        async throws
    {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let quick = ["GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms", "GODWIT_WORKER_REBALANCE_INTERVAL": "200ms"]
            let relays = [
                try place.run(quick.merging(admin.variables) { $1 }), try place.run(quick),
            ]
            try await eventually("both own two segments") {
                let json = try consumer(await status(place, "--json"))
                guard case .array(let segments)? = json["segments"] else { return false }
                let owners = segments.compactMap { if case .string(let owner)? = $0["owner"] { owner } else { nil } }
                return owners.count == 4 && Set(owners).count == 2
            }
            _ = try await place.receive(try await place.append(40))
            try await eventually("the admin port of one does not know all checkpoints") {
                let json = try await admin.get("/api/status").json
                guard case .array(let consumers)? = json["consumers"],
                    case .array(let segments)? = consumers.first?["segments"]
                else { return false }
                return segments.count == 4 && segments.allSatisfy { $0["checkpoint"] == 40 && $0["lag_events"] == 0 }
                    && Set(segments.map { "\($0["owner"] ?? .null)" }).count == 2
            }
            let with = try await status(place, "--json", variables: admin.variables)
            #expect(with.exitCode == 0)
            #expect(try JSONParser.parse(with.standardOutput)["process"]?["ready"] == true)
            #expect(try await status(place, variables: admin.variables).standardOutput.contains("is ready"))
            #expect(try JSONParser.parse(await status(place, "--json").standardOutput)["process"] == .null)
            for relay in relays { relay.send(SIGTERM) }
            for relay in relays { #expect(await relay.result().exitCode == 0) }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `it says why an event is late: by an open transaction with a relay that answers, unknown without one`()
        async throws
    {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let relay = try place.run(
                ["GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms"].merging(admin.variables) { $1 })
            _ = try await place.receive(try await place.append(3))
            let (writer, other) = (try await place.test.connect(), try await place.test.connect())
            try await writer.execute(script: "BEGIN")
            try await place.insert(["aggregate_id": "'open'", "aggregate_version": "1"], on: writer)
            let late = try await place.insert(["aggregate_id": "'late'", "aggregate_version": "1"], on: other)
            let process = try await writer.query(Statement("SELECT pg_backend_pid()")).first?.decode(0, as: Int.self)
            try await eventually("the transaction never was the cause") {
                let result = try await status(place, "--why", "identity", variables: admin.variables)
                return result.standardOutput.contains(
                    "identity: the oldest undelivered event, position \(late) in segment")
                    && result.standardOutput.contains("open transaction: an open transaction may have drawn")
                    && result.standardOutput.contains("process \(process ?? 0)")
            }
            let unasked = try await status(place, "--why")
            #expect(unasked.standardOutput.contains("unknown: no running relay answers"), "\(unasked.standardOutput)")
            let stranger = try await status(place, "--why", "nobody", variables: admin.variables)
            #expect(stranger.exitCode == 64 && stranger.standardError.contains("there is no consumer nobody"))
            try await writer.execute(script: "COMMIT")
            try await eventually("it never was delivered") {
                let json = try await status(place, "--why", "--json", variables: admin.variables).standardOutput
                guard case .array(let delays)? = try JSONParser.parse(json)["delays"], let delay = delays.first
                else { return false }
                return delay["waiting_events"] == 0 && delay["shares"] == .array([])
                    && delay["average_batch"] != .null
            }
            await writer.close()
            await other.close()
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `brokers that are away are why nothing moves, until they are back`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                let relay = try place.run(["GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms"])
                _ = try await place.receive(try await place.append(5))
                await broker.takeDown()
                _ = try await place.append(5, from: 5)
                try await eventually("it never said that brokers are away") {
                    let result = try await status(place, "--json")
                    let why = try kinds(consumer(result))
                    return result.exitCode == 4 && why == ["waiting"]
                }
                await broker.bringUp()
                try await eventually("it never got healthy again") {
                    try await status(place, "--quiet").exitCode == 0
                }
                relay.send(SIGTERM)
                #expect(await relay.result().exitCode == 0)
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a database that is away or not migrated is reported, and watching goes on`() async throws {
        let away = try await Command.godwit(
            "status", "--json", environment: ["GODWIT_DATABASE_URL": "postgres://x@127.0.0.1:1/x"]
        ).run()
        #expect(away.exitCode == 10)
        let json = try JSONParser.parse(away.standardOutput)
        #expect(json["healthy"] == false && json["database"]?["reachable"] == false)
        try await RelayFixture.with { place in
            let missing = try await status(place, variables: ["GODWIT_DATABASE_TABLES_EVENTS": "nothing"])
            #expect(missing.exitCode == 12 && missing.standardOutput.contains("godwit migrate"))
            #expect(try await status(place, "--every", "fast").exitCode == 64)
            var command = Command.godwit(environment: place.variables)
            command.arguments = ["status", "--watch", "--every", "10ms", "--json"]
            let watching = try command.start()
            try await eventually("it does not go on") {
                watching.standardOutput.split(separator: "\n").count { $0.hasPrefix("{") } > 2
            }
            watching.send(SIGINT)
            _ = await watching.result()
        }
    }
}
